import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What Kafka's own client does. Arguments: brokers, a topic to write, a topic to read, how many messages to read.
 * It produces a message for each key that it reads (a line in hex) and prints "wrote KEY PARTITION", then reads the
 * other topic and prints "read PARTITION KEY VALUE HEADERS", a null key as "-".
 */
public class Reference {
    public static void main(String[] args) throws Exception {
        HexFormat hex = HexFormat.of();
        Map<String, Object> producing = Map.of("bootstrap.servers", args[0]);
        try (var producer = new KafkaProducer<>(producing, new ByteArraySerializer(), new ByteArraySerializer());
                var keys = new Scanner(System.in)) {
            while (keys.hasNextLine()) {
                String key = keys.nextLine();
                var sent = producer.send(new ProducerRecord<>(args[1], hex.parseHex(key), new byte[] {1}));
                System.out.println("wrote " + key + " " + sent.get().partition());
            }
        }
        Map<String, Object> consuming = Map.of(
                "bootstrap.servers", args[0], "group.id", "reference", "auto.offset.reset", "earliest");
        try (var consumer = new KafkaConsumer<>(consuming, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(args[2]));
            for (int left = Integer.parseInt(args[3]); left > 0; ) {
                for (var r : consumer.poll(Duration.ofSeconds(1))) {
                    var headers = new StringBuilder();
                    for (var h : r.headers()) {
                        headers.append(h.key()).append('=').append(new String(h.value())).append(';');
                    }
                    System.out.println("read " + r.partition() + " " + (r.key() == null ? "-" : hex.formatHex(r.key())) + " "
                            + hex.formatHex(r.value()) + " " + headers);
                    left--;
                }
            }
        }
    }
}
