use std::time::Instant;

use super::*;
use crate::io::executor::tests::run_on_shard;

#[test]
fn an_alarm_goes_off_after_its_time_and_once() {
    run_on_shard(|| async {
        let alarm = Alarm::new();
        for millis in [0, 1, 20] {
            let (start, span) = (Instant::now(), Duration::from_millis(millis));
            alarm.set(Some(span));
            alarm.rung().await;
            assert!(start.elapsed() >= span);
        }
        sleep(Duration::from_millis(5)).await;
        assert!(
            futures_lite::future::poll_once(alarm.rung())
                .await
                .is_none()
        );
    });
}

#[test]
fn the_last_setting_counts() {
    run_on_shard(|| async {
        let alarm = Alarm::new();
        alarm.set(Some(Duration::from_secs(3600)));
        alarm.set(Some(Duration::from_millis(1)));
        alarm.rung().await;
        alarm.set(Some(Duration::from_millis(1)));
        alarm.set(None);
        sleep(Duration::from_millis(10)).await;
        assert!(
            futures_lite::future::poll_once(alarm.rung())
                .await
                .is_none()
        );
    });
}
