//! Names of Kafka's broker settings whose features Ringlog does not have yet. They are accepted, so
//! that an existing server.properties starts, and each is answered with one warning.

use super::def::*;

/// Settings without effect, by name: Kafka 4.3.1's, and the two that 4.4 adds.
pub(super) const NOT_YET: &[ConfigDef] = defs! {
    int "add.partitions.to.txn.retry.backoff.max.ms" = "100", at_least(0);
    int "add.partitions.to.txn.retry.backoff.ms" = "20", at_least(1);
    class "alter.config.policy.class.name";
    int "alter.log.dirs.replication.quota.window.num" = "11", at_least(1);
    int "alter.log.dirs.replication.quota.window.size.seconds" = "1", at_least(1);
    string "authorizer.class.name" = "",
        not_yet("The class that decides who may do what: without it anyone may do anything.");
    boolean "auto.leader.rebalance.enable" = "true";
    int "background.threads" = "10", at_least(1), dynamic;
    int "broker.heartbeat.interval.ms" = "2000";
    int "broker.session.timeout.ms" = "9000";
    class "client.quota.callback.class";
    int "compression.lz4.level" = "9", between(1, 17), dynamic;
    list "config.providers" = "", distinct, dynamic;
    int "connection.failed.authentication.delay.ms" = "100", at_least(0);
    long "connections.max.reauth.ms" = "0";
    boolean "controlled.shutdown.enable" = "true";
    long "controller.performance.always.log.threshold.ms" = "2000", at_least(0), internal;
    long "controller.performance.sample.period.ms" = "60000", at_least(100), internal;
    int "controller.quorum.append.linger.ms" = "25", at_least(0);
    boolean "controller.quorum.auto.join.enable" = "false";
    list "controller.quorum.bootstrap.servers" = "";
    int "controller.quorum.election.backoff.max.ms" = "1000", at_least(0);
    int "controller.quorum.election.timeout.ms" = "1000", at_least(0);
    int "controller.quorum.fetch.max.bytes" = "1048576", at_least(1);
    int "controller.quorum.fetch.snapshot.max.bytes" = "1048576", at_least(1);
    int "controller.quorum.fetch.timeout.ms" = "2000", at_least(0);
    int "controller.quorum.request.timeout.ms" = "2000", at_least(0);
    int "controller.quorum.retry.backoff.ms" = "20", at_least(0);
    list "controller.quorum.voters" = "";
    int "controller.quota.window.num" = "11", at_least(1);
    int "controller.quota.window.size.seconds" = "1", at_least(1);
    int "controller.socket.timeout.ms" = "30000";
    list "cordoned.log.dirs" = "", distinct, dynamic;
    class "create.topic.policy.class.name";
    long "delegation.token.expiry.check.interval.ms" = "3600000", at_least(1);
    long "delegation.token.expiry.time.ms" = "86400000", at_least(1);
    long "delegation.token.max.lifetime.ms" = "604800000", at_least(1);
    password "delegation.token.secret.key";
    int "delete.records.purgatory.purge.interval.requests" = "1";
    list "early.start.listeners", distinct;
    int "fetch.purgatory.purge.interval.requests" = "1000";
    boolean "follower.fetch.last.tiered.offset.enable" = "false", dynamic;
    int "group.consumer.assignment.interval.ms" = "1000", at_least(0), dynamic;
    list "group.consumer.assignors" = "uniform,range", distinct;
    int "group.consumer.heartbeat.interval.ms" = "5000", at_least(1);
    int "group.consumer.max.assignment.interval.ms" = "15000", at_least(0);
    int "group.consumer.max.heartbeat.interval.ms" = "15000", at_least(1);
    int "group.consumer.max.session.timeout.ms" = "60000", at_least(1);
    int "group.consumer.max.size" = "2147483647", at_least(1);
    string "group.consumer.migration.policy" = "bidirectional", check(Check::OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]));
    int "group.consumer.min.assignment.interval.ms" = "0", at_least(0);
    int "group.consumer.min.heartbeat.interval.ms" = "5000", at_least(1);
    int "group.consumer.min.session.timeout.ms" = "45000", at_least(1);
    int "group.consumer.regex.refresh.interval.ms" = "600000", at_least(10_000), internal;
    int "group.consumer.session.timeout.ms" = "45000", at_least(1);
    int "group.coordinator.append.linger.ms" = "-1", at_least(-1);
    int "group.coordinator.background.threads" = "2", at_least(1);
    int "group.coordinator.cached.buffer.max.bytes" = "1048588", at_least(524_288), dynamic;
    list "group.coordinator.rebalance.protocols" = "classic,consumer,streams", check(Check::Distinct { of: &["consumer", "classic", "share", "streams"], empty: false });
    int "group.coordinator.threads" = "4", at_least(1);
    int "group.share.assignment.interval.ms" = "1000", at_least(0), dynamic;
    list "group.share.assignors" = "simple", distinct;
    int "group.share.delivery.count.limit" = "5", between(2, 10);
    int "group.share.heartbeat.interval.ms" = "5000", at_least(1);
    int "group.share.initialize.retry.interval.ms" = "30000", at_least(1), internal;
    int "group.share.max.assignment.interval.ms" = "15000", at_least(0);
    int "group.share.max.delivery.count.limit" = "10", between(5, 25);
    int "group.share.max.heartbeat.interval.ms" = "15000", at_least(1);
    int "group.share.max.partition.max.record.locks" = "4000", between(2000, 10_000);
    int "group.share.max.record.lock.duration.ms" = "60000", between(30_000, 3_600_000);
    int "group.share.max.session.timeout.ms" = "60000", at_least(1);
    int "group.share.max.share.sessions" = "2000", at_least(1);
    int "group.share.max.size" = "200", between(1, 1000);
    int "group.share.min.assignment.interval.ms" = "0", at_least(0);
    int "group.share.min.delivery.count.limit" = "2", between(2, 5);
    int "group.share.min.heartbeat.interval.ms" = "5000", at_least(1);
    int "group.share.min.partition.max.record.locks" = "100", between(100, 2000);
    int "group.share.min.record.lock.duration.ms" = "15000", between(1000, 30_000);
    int "group.share.min.session.timeout.ms" = "45000", at_least(1);
    int "group.share.partition.max.record.locks" = "2000", between(100, 10_000);
    string "group.share.persister.class.name" = "org.apache.kafka.server.share.persister.DefaultStatePersister", internal;
    int "group.share.record.lock.duration.ms" = "30000", between(1000, 3_600_000);
    int "group.share.session.timeout.ms" = "45000", at_least(1);
    int "group.streams.assignment.interval.ms" = "1000", at_least(0), dynamic;
    int "group.streams.heartbeat.interval.ms" = "5000", at_least(1);
    int "group.streams.initial.rebalance.delay.ms" = "3000", at_least(0);
    int "group.streams.max.assignment.interval.ms" = "15000", at_least(0);
    int "group.streams.max.heartbeat.interval.ms" = "15000", at_least(1);
    int "group.streams.max.session.timeout.ms" = "60000", at_least(1);
    int "group.streams.max.size" = "2147483647", at_least(1);
    int "group.streams.max.standby.replicas" = "2", at_least(0);
    int "group.streams.min.assignment.interval.ms" = "0", at_least(0);
    int "group.streams.min.heartbeat.interval.ms" = "5000", at_least(1);
    int "group.streams.min.session.timeout.ms" = "45000", at_least(1);
    int "group.streams.num.standby.replicas" = "0", at_least(0);
    int "group.streams.session.timeout.ms" = "45000", at_least(1);
    int "initial.broker.registration.timeout.ms" = "60000";
    string "inter.broker.listener.name";
    long "internal.metadata.delete.delay.millis" = "60000", internal;
    int "internal.metadata.log.segment.bytes", internal;
    int "internal.metadata.max.batch.size.in.bytes" = "8388608", internal;
    int "kafka.metrics.polling.interval.secs" = "10", at_least(1);
    list "kafka.metrics.reporters" = "", distinct;
    long "leader.imbalance.check.interval.seconds" = "300", at_least(1);
    long "log.cleaner.backoff.ms" = "15000", at_least(0), dynamic;
    long "log.cleaner.dedupe.buffer.size" = "134217728", dynamic;
    long "log.cleaner.delete.retention.ms" = "86400000", at_least(0), dynamic;
    boolean "log.cleaner.enable" = "true";
    double "log.cleaner.io.buffer.load.factor" = "0.9", dynamic;
    int "log.cleaner.io.buffer.size" = "524288", at_least(0), dynamic;
    double "log.cleaner.io.max.bytes.per.second" = "1.7976931348623157E308", dynamic;
    long "log.cleaner.max.compaction.lag.ms" = "9223372036854775807", at_least(1), dynamic;
    double "log.cleaner.min.cleanable.ratio" = "0.5", check(Check::Fraction(0.0, 1.0)), dynamic;
    long "log.cleaner.min.compaction.lag.ms" = "0", at_least(0), dynamic;
    int "log.cleaner.threads" = "1", at_least(0), dynamic;
    long "log.dir.failure.timeout.ms" = "30000", at_least(1);
    int "log.flush.offset.checkpoint.interval.ms" = "60000", at_least(0);
    long "log.flush.scheduler.interval.ms" = "9223372036854775807";
    int "log.flush.start.offset.checkpoint.interval.ms" = "60000", at_least(0);
    long "log.local.retention.bytes" = "-2", at_least(-2), dynamic;
    long "log.local.retention.ms" = "-2", at_least(-2), dynamic;
    int "max.connection.creation.rate" = "2147483647", at_least(0), dynamic;
    int "max.connections.per.ip" = "2147483647", at_least(0), dynamic;
    string "max.connections.per.ip.overrides" = "", dynamic;
    string "metadata.log.dir";
    long "metadata.log.max.record.bytes.between.snapshots" = "20971520", at_least(1);
    long "metadata.log.max.snapshot.interval.ms" = "3600000", at_least(0);
    int "metadata.log.segment.bytes" = "1073741824", at_least(8_388_608);
    long "metadata.log.segment.ms" = "604800000";
    int "metadata.max.idle.interval.ms" = "500", at_least(0);
    long "metadata.max.retention.bytes" = "104857600";
    long "metadata.max.retention.ms" = "604800000";
    list "metric.reporters" = "org.apache.kafka.common.metrics.JmxReporter", distinct, dynamic;
    int "metrics.num.samples" = "2", at_least(1);
    string "metrics.recording.level" = "INFO";
    long "metrics.sample.window.ms" = "30000", at_least(1);
    int "num.io.threads" = "8", at_least(1), dynamic;
    int "num.network.threads" = "3", at_least(1), dynamic;
    int "num.recovery.threads.per.data.dir" = "2", at_least(1), dynamic;
    int "num.replica.alter.log.dirs.threads";
    int "num.replica.fetchers" = "1", at_least(1), dynamic;
    int "offsets.commit.timeout.ms" = "5000", at_least(1);
    int "offsets.load.buffer.size" = "5242880", at_least(1);
    int "offsets.topic.compression.codec" = "0";
    class "principal.builder.class" = "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", dynamic;
    list "process.roles" = "broker,controller", check(Check::Distinct { of: &["broker", "controller"], empty: false }),
        not_yet("Every Ringlog process is broker and controller at once.");
    int "producer.purgatory.purge.interval.requests" = "1000";
    long "queued.max.request.bytes" = "-1";
    int "queued.max.requests" = "500", at_least(1);
    int "quota.window.num" = "11", at_least(1);
    int "quota.window.size.seconds" = "1", at_least(1);
    int "remote.fetch.max.wait.ms" = "500", at_least(1), dynamic;
    long "remote.list.offsets.request.timeout.ms" = "30000", at_least(1), dynamic;
    long "remote.log.index.file.cache.total.size.bytes" = "1073741824", at_least(1), dynamic;
    long "remote.log.index.file.cache.ttl.ms" = "900000", at_least(-1), internal;
    int "remote.log.manager.copier.thread.pool.size" = "10", at_least(1), dynamic;
    long "remote.log.manager.copy.max.bytes.per.second" = "9223372036854775807", at_least(1), dynamic;
    int "remote.log.manager.copy.quota.window.num" = "11", at_least(1);
    int "remote.log.manager.copy.quota.window.size.seconds" = "1", at_least(1);
    int "remote.log.manager.expiration.thread.pool.size" = "10", at_least(1), dynamic;
    long "remote.log.manager.fetch.max.bytes.per.second" = "9223372036854775807", at_least(1), dynamic;
    int "remote.log.manager.fetch.quota.window.num" = "11", at_least(1);
    int "remote.log.manager.fetch.quota.window.size.seconds" = "1", at_least(1);
    int "remote.log.manager.follower.thread.pool.size" = "2", at_least(1), dynamic;
    long "remote.log.manager.task.interval.ms" = "30000", at_least(1);
    long "remote.log.manager.task.retry.backoff.max.ms" = "30000", at_least(1), internal;
    long "remote.log.manager.task.retry.backoff.ms" = "500", at_least(1), internal;
    double "remote.log.manager.task.retry.jitter" = "0.2", check(Check::Fraction(0.0, 0.5)), internal;
    int "remote.log.manager.thread.pool.size" = "2", at_least(1);
    int "remote.log.metadata.custom.metadata.max.bytes" = "128", at_least(0);
    string "remote.log.metadata.manager.class.name" = "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager", check(Check::NonEmpty);
    string "remote.log.metadata.manager.class.path";
    string "remote.log.metadata.manager.impl.prefix" = "rlmm.config.", check(Check::NonEmpty);
    string "remote.log.metadata.manager.listener.name", check(Check::NonEmpty);
    int "remote.log.reader.max.pending.tasks" = "100", at_least(1);
    int "remote.log.reader.threads" = "10", at_least(1), dynamic;
    string "remote.log.storage.manager.class.name", check(Check::NonEmpty);
    string "remote.log.storage.manager.class.path";
    string "remote.log.storage.manager.impl.prefix" = "rsm.config.", check(Check::NonEmpty);
    boolean "remote.log.storage.system.enable" = "false";
    int "replica.fetch.backoff.ms" = "1000", at_least(0);
    int "replica.fetch.max.bytes" = "1048576", at_least(0);
    int "replica.fetch.min.bytes" = "1";
    int "replica.fetch.response.max.bytes" = "10485760", at_least(0);
    int "replica.fetch.wait.max.ms" = "500";
    long "replica.high.watermark.checkpoint.interval.ms" = "5000";
    long "replica.lag.time.max.ms" = "30000";
    string "replica.selector.class";
    int "replica.socket.receive.buffer.bytes" = "65536";
    int "replica.socket.timeout.ms" = "30000";
    int "replication.quota.window.num" = "11", at_least(1);
    int "replication.quota.window.size.seconds" = "1", at_least(1);
    int "request.timeout.ms" = "30000";
    class "sasl.client.callback.handler.class";
    list "sasl.enabled.mechanisms" = "GSSAPI", distinct, dynamic;
    password "sasl.jaas.config", dynamic;
    string "sasl.kerberos.kinit.cmd" = "/usr/bin/kinit", dynamic;
    long "sasl.kerberos.min.time.before.relogin" = "60000", dynamic;
    list "sasl.kerberos.principal.to.local.rules" = "DEFAULT", distinct, dynamic;
    string "sasl.kerberos.service.name", dynamic;
    double "sasl.kerberos.ticket.renew.jitter" = "0.05", dynamic;
    double "sasl.kerberos.ticket.renew.window.factor" = "0.8", dynamic;
    class "sasl.login.callback.handler.class";
    class "sasl.login.class";
    int "sasl.login.connect.timeout.ms";
    int "sasl.login.read.timeout.ms";
    short "sasl.login.refresh.buffer.seconds" = "300", dynamic;
    short "sasl.login.refresh.min.period.seconds" = "60", dynamic;
    double "sasl.login.refresh.window.factor" = "0.8", dynamic;
    double "sasl.login.refresh.window.jitter" = "0.05", dynamic;
    long "sasl.login.retry.backoff.max.ms" = "10000";
    long "sasl.login.retry.backoff.ms" = "100";
    string "sasl.mechanism.controller.protocol" = "GSSAPI";
    string "sasl.mechanism.inter.broker.protocol" = "GSSAPI", dynamic;
    string "sasl.oauthbearer.assertion.algorithm" = "RS256", check(Check::OneOfAnyCase(&["ES256", "RS256"]));
    string "sasl.oauthbearer.assertion.claim.aud";
    int "sasl.oauthbearer.assertion.claim.exp.seconds" = "300", between(0, 86_400);
    string "sasl.oauthbearer.assertion.claim.iss";
    boolean "sasl.oauthbearer.assertion.claim.jti.include" = "false";
    int "sasl.oauthbearer.assertion.claim.nbf.seconds" = "60", between(0, 3600);
    string "sasl.oauthbearer.assertion.claim.sub";
    string "sasl.oauthbearer.assertion.file";
    string "sasl.oauthbearer.assertion.private.key.file";
    password "sasl.oauthbearer.assertion.private.key.passphrase";
    string "sasl.oauthbearer.assertion.template.file";
    string "sasl.oauthbearer.client.credentials.client.id";
    password "sasl.oauthbearer.client.credentials.client.secret";
    int "sasl.oauthbearer.clock.skew.seconds" = "30";
    list "sasl.oauthbearer.expected.audience" = "", distinct;
    string "sasl.oauthbearer.expected.issuer";
    long "sasl.oauthbearer.jwks.endpoint.refresh.ms" = "3600000";
    long "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms" = "10000";
    long "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms" = "100";
    string "sasl.oauthbearer.jwks.endpoint.url";
    class "sasl.oauthbearer.jwt.retriever.class" = "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever";
    class "sasl.oauthbearer.jwt.validator.class" = "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator";
    string "sasl.oauthbearer.scope";
    string "sasl.oauthbearer.scope.claim.name" = "scope";
    string "sasl.oauthbearer.sub.claim.name" = "sub";
    string "sasl.oauthbearer.token.endpoint.url";
    class "sasl.server.callback.handler.class";
    int "sasl.server.max.receive.size" = "524288";
    string "security.inter.broker.protocol" = "PLAINTEXT", one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]);
    string "security.providers";
    long "server.max.startup.time.ms" = "9223372036854775807", at_least(0), internal;
    int "share.coordinator.append.linger.ms" = "-1", at_least(-1);
    int "share.coordinator.cached.buffer.max.bytes" = "1048588", at_least(524_288), dynamic;
    int "share.coordinator.cold.partition.snapshot.interval.ms" = "300000", at_least(1), internal;
    int "share.coordinator.load.buffer.size" = "5242880", at_least(1);
    int "share.coordinator.snapshot.update.records.per.snapshot" = "500", between(0, 500);
    int "share.coordinator.state.topic.compression.codec" = "0";
    short "share.coordinator.state.topic.min.isr" = "2", at_least(1);
    int "share.coordinator.state.topic.num.partitions" = "50", at_least(1);
    int "share.coordinator.state.topic.prune.interval.ms" = "300000", at_least(1), internal;
    short "share.coordinator.state.topic.replication.factor" = "3", at_least(1);
    int "share.coordinator.state.topic.segment.bytes" = "104857600", at_least(1);
    int "share.coordinator.threads" = "1", at_least(1);
    int "share.coordinator.write.timeout.ms" = "5000", at_least(1);
    int "share.fetch.purgatory.purge.interval.requests" = "1000";
    long "socket.connection.setup.timeout.max.ms" = "30000";
    long "socket.connection.setup.timeout.ms" = "10000";
    boolean "ssl.allow.dn.changes" = "false";
    boolean "ssl.allow.san.changes" = "false";
    list "ssl.cipher.suites" = "", distinct, dynamic;
    string "ssl.client.auth" = "none", one_of(&["required", "requested", "none"]), dynamic;
    list "ssl.enabled.protocols" = "TLSv1.2,TLSv1.3", distinct, dynamic;
    string "ssl.endpoint.identification.algorithm" = "https", dynamic;
    class "ssl.engine.factory.class", dynamic;
    password "ssl.key.password", dynamic;
    string "ssl.keymanager.algorithm" = "SunX509", dynamic;
    password "ssl.keystore.certificate.chain", dynamic;
    password "ssl.keystore.key", dynamic;
    string "ssl.keystore.location", dynamic;
    password "ssl.keystore.password", dynamic;
    string "ssl.keystore.type" = "JKS", dynamic;
    string "ssl.principal.mapping.rules" = "DEFAULT";
    string "ssl.protocol" = "TLSv1.3", dynamic;
    string "ssl.provider", dynamic;
    string "ssl.secure.random.implementation", dynamic;
    string "ssl.trustmanager.algorithm" = "PKIX", dynamic;
    password "ssl.truststore.certificates", dynamic;
    string "ssl.truststore.location", dynamic;
    password "ssl.truststore.password", dynamic;
    string "ssl.truststore.type" = "JKS", dynamic;
    int "telemetry.max.bytes" = "1048576", at_least(1);
    int "transaction.abort.timed.out.transaction.cleanup.interval.ms" = "10000", at_least(1);
    int "transaction.max.timeout.ms" = "900000", at_least(1);
    boolean "transaction.partition.verification.enable" = "true", dynamic;
    int "transaction.remove.expired.transaction.cleanup.interval.ms" = "3600000", at_least(1);
    int "transaction.state.log.load.buffer.size" = "5242880", at_least(1);
    int "transaction.state.log.min.isr" = "2", at_least(1);
    int "transaction.state.log.num.partitions" = "50", at_least(1);
    short "transaction.state.log.replication.factor" = "3", at_least(1);
    int "transaction.state.log.segment.bytes" = "104857600", at_least(1);
    boolean "transaction.two.phase.commit.enable" = "false";
    int "transactional.id.expiration.ms" = "604800000", at_least(1);
    boolean "unclean.leader.election.enable" = "false", dynamic;
    long "unclean.leader.election.interval.ms" = "300000", at_least(1), internal;
    boolean "unstable.api.versions.enable" = "false", internal;
    boolean "unstable.feature.versions.enable" = "false", internal;
    boolean "errors.deadletterqueue.auto.create.topics.enable" = "false";
    string "errors.deadletterqueue.topic.name.prefix" = "dlq.";
};

/// Settings that Kafka takes at run time only, never from a file.
pub(super) const DYNAMIC_ONLY: &[&str] = &[
    "follower.replication.throttled.rate",
    "leader.replication.throttled.rate",
    "replica.alter.log.dirs.io.max.bytes.per.second",
];

/// Beginnings of names that belong to plug-ins or to one listener.
pub(super) const PREFIXES: &[&str] = &[
    "config.providers.",
    "listener.name.",
    "rlmm.config.",
    "rsm.config.",
];

/// Names of Kafka 3 and before, which Kafka 4 ignores; files that were carried along have them.
pub(super) const GONE: &[&str] = &[
    "advertised.host.name",
    "advertised.port",
    "broker.id.generation.enable",
    "control.plane.listener.name",
    "delegation.token.master.key",
    "host.name",
    "inter.broker.protocol.version",
    "log.message.downconversion.enable",
    "log.message.format.version",
    "log.message.timestamp.difference.max.ms",
    "offsets.commit.required.acks",
    "port",
    "reserved.broker.max.id",
    "zookeeper.connect",
    "zookeeper.connection.timeout.ms",
    "zookeeper.max.in.flight.requests",
    "zookeeper.session.timeout.ms",
    "zookeeper.set.acl",
];
