package servers

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
)

// recipes holds the Maven project whose profiles name each server's jars, and
// the small Java programs that run a search server inside a JVM.
//
//go:embed recipes
var recipes embed.FS

// A recipe is what differs between the kinds.
type recipe struct {
	version string
	// launcher is the folder under recipes with the Java program that runs the
	// server; none for a server that brings its own.
	launcher string
	// modular servers run from the module path and find netty as a plug-in
	// under modules/transport-netty4.
	modular bool
	// settings every server of the kind is started with.
	settings map[string]string
	// transportPort is the name of the setting for the transport port.
	transportPort string
}

func recipeOf(kind Kind) (recipe, error) {
	netty := map[string]string{"http.type": "netty4", "transport.type": "netty4"}
	switch kind {
	case KindES6:
		return recipe{version: "6.8.23", launcher: "es6", settings: netty, transportPort: "transport.tcp.port"}, nil
	case KindES710:
		return recipe{version: "7.10.2", launcher: "es7", settings: netty, transportPort: "transport.port"}, nil
	case KindES7:
		return recipe{version: "7.17.28", launcher: "es7", settings: netty, transportPort: "transport.port"}, nil
	case KindES8:
		return recipe{version: "8.17.0", launcher: "es8", modular: true, transportPort: "transport.port"}, nil
	case KindOpenSearch2:
		return recipe{version: "2.19.1", launcher: "opensearch2", settings: netty, transportPort: "transport.port"}, nil
	case KindKafka:
		return recipe{version: "3.9.1"}, nil
	default:
		return recipe{}, unknownKind(kind)
	}
}

// Version returns the version of the kind's server, or "" for an unknown kind.
func (k Kind) Version() string {
	r, err := recipeOf(k)
	if err != nil {
		return ""
	}
	return r.version
}

// files returns the recipe's embedded files by their base names.
func (r recipe) files() (map[string][]byte, error) {
	files := map[string][]byte{}
	pom, err := recipes.ReadFile("recipes/pom.xml")
	if err != nil {
		return nil, err
	}
	files["pom.xml"] = pom
	if r.launcher == "" {
		return files, nil
	}
	folder := path.Join("recipes", r.launcher)
	entries, err := fs.ReadDir(recipes, folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if files[e.Name()], err = recipes.ReadFile(path.Join(folder, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// id changes whenever the recipe's files or the way they are built change, so
// that a cache never serves what an older recipe made.
func (r recipe) id(files map[string][]byte) string {
	h := sha256.New()
	h.Write([]byte(buildVersion))
	for _, name := range sortedKeys(files) {
		h.Write([]byte(name + "\x00"))
		h.Write(files[name])
	}
	return r.version + "-" + hex.EncodeToString(h.Sum(nil)[:4])
}
