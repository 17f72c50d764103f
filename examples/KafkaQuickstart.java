import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Writes three records and reads them back with Kafka's Java client: java -cp 'kafka-libs/*' KafkaQuickstart.java */
public class KafkaQuickstart {
    public static void main(String[] args) {
        String server = System.getenv().getOrDefault("BOOTSTRAP", "127.0.0.1:9092");

        Map<String, Object> writing = Map.of("bootstrap.servers", server, "acks", "all");
        try (var producer = new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer())) {
            for (int number = 0; number < 3; number++) {
                producer.send(new ProducerRecord<>("greetings-java", "hello", "hello " + number));
            }
        }

        Map<String, Object> reading =
                Map.of("bootstrap.servers", server, "group.id", "readers-java", "auto.offset.reset", "earliest");
        try (var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("greetings-java"));
            for (int read = 0; read < 3; ) {
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    System.out.println(record.partition() + " " + record.offset() + " " + record.value());
                    read++;
                }
            }
        }
    }
}
