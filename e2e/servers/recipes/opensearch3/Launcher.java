import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import org.opensearch.Version;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;

/** Runs one node inside this JVM: Launcher CONFIG_DIR [setting=value ...]. */
public class Launcher {
    private static class PluginNode extends Node {
        PluginNode(Environment environment, Collection<PluginInfo> plugins) {
            super(environment, plugins, false);
        }
    }

    public static void main(String[] args) throws Exception {
        Path config = Paths.get(args[0]);
        Settings.Builder settings = Settings.builder();
        for (int i = 1; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        Environment environment = InternalSettingsPreparer.prepareEnvironment(
            settings.build(), Collections.emptyMap(), config, () -> settings.get("node.name"));
        PluginInfo netty = new PluginInfo("transport-netty4", "HTTP and transport over Netty", "n/a", Version.CURRENT,
            "21", "org.opensearch.transport.Netty4ModulePlugin", null, List.of(), false);
        Node node = new PluginNode(environment, List.of(netty));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception e) {
                e.printStackTrace();
            }
        }));
        node.start();
        System.out.println("started http " + settings.get("http.port"));
        Thread.currentThread().join();
    }
}
