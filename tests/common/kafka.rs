//! Apache Kafka as the broker under test: one node, broker and controller in one process.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::broker::{Options, free_address};
use super::deps;

/// Its log goes to standard output, which is where the ready line is looked for.
const LOG4J: &str = "\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss,SSS} %p %m (%c{1})%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
";

/// The command that starts Kafka in `home`; the first call prepares the directory.
pub fn command(home: &Path, address: SocketAddr, options: &Options) -> Command {
    let data = home.join("data");
    let config = home.join("server.properties");
    if !data.exists() {
        copy_dir(&formatted_template(), &data);
        fs::write(&config, properties(&data, address, free_address(), options)).expect("writable");
        fs::write(home.join("log4j2.properties"), LOG4J).expect("writable");
    }
    let mut command = java();
    command
        .args([
            "-Xmx512m",
            "-Xms512m",
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
        ])
        .arg(format!(
            "-Dlog4j2.configurationFile={}",
            home.join("log4j2.properties").display()
        ))
        .arg("kafka.Kafka")
        .arg(config);
    command
}

/// `java` with Kafka's jars on the class path.
pub fn java() -> Command {
    let class_path = deps::kafka_class_path().expect("Apache Kafka in .test-deps/kafka");
    let mut command = Command::new("java");
    command.args(["-XX:TieredStopAtLevel=4", "-cp", &class_path]);
    command
}

/// A formatted log directory, made once: formatting costs a JVM.
fn formatted_template() -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let template = deps::dir().join("kafka-formatted");
    if !template.exists() {
        let home = tempfile::tempdir_in(deps::dir()).expect("a temporary directory");
        let (data, config) = (
            home.path().join("data"),
            home.path().join("format.properties"),
        );
        let text = properties(&data, free_address(), free_address(), &Options::default());
        fs::write(&config, text).expect("writable");
        let done = java()
            .args([
                "kafka.tools.StorageTool",
                "format",
                "-t",
                "MkU3OEVBNTcwNTJENDM2Qg",
                "-c",
            ])
            .arg(&config)
            .output()
            .expect("java starts");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        // Another test process may have been quicker; its directory is as good.
        let _ = fs::rename(data, &template);
    }
    template
}

/// Besides what one node needs: a short session, since a killed Kafka comes back only when the
/// session of its former self is over, and few partitions for the offsets.
fn properties(data: &Path, client: SocketAddr, control: SocketAddr, options: &Options) -> String {
    let data = data.display();
    let mut text = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@{control}\n\
         listeners=PLAINTEXT://{client},CONTROLLER://{control}\n\
         advertised.listeners=PLAINTEXT://{client}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         log.dirs={data}\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n\
         broker.heartbeat.interval.ms=500\n\
         broker.session.timeout.ms=2000\n"
    );
    for (name, value) in &options.config {
        text.push_str(&format!("{name}={value}\n"));
    }
    text
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("readable").is_dir() {
            true => copy_dir(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("writable")),
        }
    }
}
