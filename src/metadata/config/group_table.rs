//! The settings of groups and of client metrics subscriptions, which DescribeConfigs tells like those of topics.

use super::def::*;

/// Every setting of a group. The default of most is the broker's setting with `group.` before the name;
/// the others have one here.
pub(super) const GROUP_CONFIGS: &[ConfigDef] = defs! {
    int "consumer.session.timeout.ms", at_least(1);
    int "consumer.heartbeat.interval.ms", at_least(1);
    int "consumer.assignment.interval.ms", at_least(0);
    int "share.session.timeout.ms", at_least(1);
    int "share.heartbeat.interval.ms", at_least(1);
    int "share.record.lock.duration.ms", at_least(1000);
    int "share.delivery.count.limit", at_least(2);
    int "share.partition.max.record.locks", at_least(100);
    string "share.auto.offset.reset" = "latest";
    string "share.isolation.level" = "read_uncommitted", one_of(&["read_committed", "read_uncommitted"]);
    boolean "share.renew.acknowledge.enable" = "true";
    int "share.assignment.interval.ms", at_least(0);
    int "streams.session.timeout.ms", at_least(1);
    int "streams.heartbeat.interval.ms", at_least(1);
    int "streams.num.standby.replicas", at_least(0);
    int "streams.initial.rebalance.delay.ms", at_least(0);
    int "streams.assignment.interval.ms", at_least(0);
};

/// Every setting of a client metrics subscription.
pub(super) const CLIENT_METRICS_CONFIGS: &[ConfigDef] = defs! {
    list "metrics" = "", distinct;
    int "interval.ms" = "300000";
    list "match" = "", distinct;
};
