package servers

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
)

// recipes holds the Maven project whose profiles name the jars of a family of
// servers, and the small Java programs that run a search server inside a JVM.
//
//go:embed recipes
var recipes embed.FS

// A recipe is what differs between the kinds. A new version of a server that
// is here already is one more of them.
type recipe struct {
	kind    Kind
	version string
	// profile of the Maven project.
	profile string
	// log4j is the version of the logging library that the server was made
	// with; none for a server that brings its own.
	log4j string
	// scala is the version of Scala that a Kafka was compiled with.
	scala string
	// zookeeper servers need a ZooKeeper beside them.
	zookeeper bool
	// ready is what a Kafka prints when it has started.
	ready string
	// launcher is the Java program under recipes that runs the server; none
	// for a server that brings its own.
	launcher string
	// modular servers run from the module path and find netty as a plug-in
	// under modules/transport-netty4.
	modular bool
	// zstd servers compress with the system's library.
	zstd bool
	// java is the oldest version that runs the server.
	java int
	// settings every server of the kind is started with.
	settings map[string]string
	// transportPort is the name of the setting for the transport port.
	transportPort string
}

const (
	oldTransportPort = "transport.tcp.port"
	transportPort    = "transport.port"
)

const (
	kraftReady     = "Kafka Server started"
	zookeeperReady = "] started"
)

// netty has a server whose HTTP layer is a plug-in in its class path find it.
var netty = map[string]string{"http.type": "netty4", "transport.type": "netty4"}

// allRecipes are in the order of Kinds.
var allRecipes = []recipe{
	{kind: KindES6, version: "6.8.23", profile: "elasticsearch", log4j: "2.17.1", launcher: "es6", java: 17, settings: netty, transportPort: oldTransportPort},
	{kind: KindES710, version: "7.10.2", profile: "elasticsearch", log4j: "2.11.1", launcher: "es7", java: 17, settings: netty, transportPort: transportPort},
	{kind: KindES7, version: "7.17.28", profile: "elasticsearch", log4j: "2.17.1", launcher: "es7", java: 17, settings: netty, transportPort: transportPort},
	{kind: KindES8, version: "8.17.0", profile: "elasticsearch-modular", log4j: "2.19.0", launcher: "es8", modular: true, java: 17, transportPort: transportPort},
	{kind: KindES819, version: "8.19.0", profile: "elasticsearch-modular", log4j: "2.19.0", launcher: "es9", modular: true, zstd: true, java: 21, transportPort: transportPort},
	{kind: KindES9, version: "9.0.0", profile: "elasticsearch-modular", log4j: "2.19.0", launcher: "es9", modular: true, zstd: true, java: 21, transportPort: transportPort},
	{kind: KindOpenSearch2, version: "2.19.1", profile: "opensearch", log4j: "2.21.0", launcher: "opensearch2", java: 17, settings: netty, transportPort: transportPort},
	{kind: KindOpenSearch3, version: "3.3.2", profile: "opensearch", log4j: "2.21.0", launcher: "opensearch3", java: 21, settings: netty, transportPort: transportPort},
	{kind: KindKafka, version: "3.9.1", profile: "kafka", scala: "2.13", ready: kraftReady, java: 17},
	{kind: KindKafka0102, version: "0.10.2.2", profile: "kafka-zookeeper", scala: "2.12", zookeeper: true, ready: "], started", java: 17},
	{kind: KindKafka111, version: "1.1.1", profile: "kafka-zookeeper", scala: "2.12", zookeeper: true, ready: zookeeperReady, java: 17},
	{kind: KindKafka24, version: "2.4.1", profile: "kafka-zookeeper", scala: "2.13", zookeeper: true, ready: zookeeperReady, java: 17},
	{kind: KindKafka28, version: "2.8.1", profile: "kafka-zookeeper", scala: "2.13", zookeeper: true, ready: zookeeperReady, java: 17},
	{kind: KindKafka41, version: "4.1.1", profile: "kafka", scala: "2.13", ready: kraftReady, java: 17},
}

func recipeOf(kind Kind) (recipe, error) {
	i := slices.IndexFunc(allRecipes, func(r recipe) bool { return r.kind == kind })
	if i < 0 {
		return recipe{}, unknownKind(kind)
	}
	return allRecipes[i], nil
}

// Version returns the version of the kind's server, or "" for an unknown kind.
func (k Kind) Version() string {
	r, err := recipeOf(k)
	if err != nil {
		return ""
	}
	return r.version
}

// files returns what the server is made of, by base names.
func (r recipe) files() (map[string][]byte, error) {
	files := map[string][]byte{}
	pom, err := recipes.ReadFile("recipes/pom.xml")
	if err != nil {
		return nil, err
	}
	files["pom.xml"] = pom
	if r.launcher != "" {
		program, err := recipes.ReadFile(path.Join("recipes", r.launcher, "Launcher.java"))
		if err != nil {
			return nil, err
		}
		files["Launcher.java"] = program
	}
	if r.modular {
		files[pluginDescriptor] = fmt.Appendf(nil, `name=transport-netty4
description=HTTP and transport over Netty
version=%[1]s
elasticsearch.version=%[1]s
java.version=17
classname=org.elasticsearch.transport.netty4.Netty4Plugin
`, r.version)
	}
	return files, nil
}

// id changes whenever the recipe's files or the way they are built change, so
// that a cache never serves what an older recipe made.
func (r recipe) id(files map[string][]byte) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s\x00", buildVersion, r.profile, r.log4j, r.scala)
	for _, name := range sortedKeys(files) {
		_, _ = fmt.Fprintf(h, "%s\x00%s", name, files[name])
	}
	return r.version + "-" + hex.EncodeToString(h.Sum(nil)[:4])
}
