package servers

import (
	"encoding/xml"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSelected(t *testing.T) {
	tests := map[string]struct {
		list string
		want []Kind
		err  string
	}{
		"nothing is everything": {list: "", want: Kinds()},
		"only commas":           {list: " , ", want: Kinds()},
		"one":                   {list: "es7", want: []Kind{KindES7}},
		"two in their order":    {list: "kafka,es6", want: []Kind{KindKafka, KindES6}},
		"spaces and repeats":    {list: " es8 ,es8, opensearch2,", want: []Kind{KindES8, KindOpenSearch2}},
		"unknown":               {list: "es7,es10", err: `unknown server "es10"; known: es6, es710, es7, es8, es819, es9, opensearch2, opensearch3, kafka, kafka0102, kafka111, kafka24, kafka28, kafka41`},
		"other case":            {list: "ES7", err: `unknown server "ES7"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Selected(tt.list)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestSearchKinds(t *testing.T) {
	assert.ElementsMatch(t, Kinds(), append(SearchKinds(), KafkaKinds()...))
	for _, k := range Kinds() {
		assert.NotEqual(t, k.IsKafka(), slices.Contains(SearchKinds(), k), k)
	}
}

func TestRecipes(t *testing.T) {
	raw, err := recipes.ReadFile("recipes/pom.xml")
	require.NoError(t, err)
	var pom struct {
		Profiles []struct {
			ID string `xml:"id"`
		} `xml:"profiles>profile"`
	}
	require.NoError(t, xml.Unmarshal(raw, &pom))
	unused := map[string]bool{}
	for _, p := range pom.Profiles {
		unused[p.ID] = true
	}
	ids := map[string]Kind{}
	for _, r := range allRecipes {
		t.Run(string(r.kind), func(t *testing.T) {
			assert.Contains(t, pom.Profiles, struct {
				ID string `xml:"id"`
			}{r.profile})
			delete(unused, r.profile)
			assert.Equal(t, r.version, r.kind.Version())
			files, err := r.files()
			require.NoError(t, err)
			assert.Contains(t, files, "pom.xml")
			if r.kind.IsKafka() {
				assert.NotEmpty(t, r.scala)
				assert.NotEmpty(t, r.ready)
			} else {
				assert.Contains(t, string(files["Launcher.java"]), "public class Launcher")
				assert.NotEmpty(t, r.transportPort)
			}
			if r.modular {
				assert.Contains(t, string(files[pluginDescriptor]), "\nelasticsearch.version="+r.version+"\n")
			}
			id := r.id(files)
			assert.Equal(t, id, r.id(files), "the same recipe has the same id")
			other := r
			other.log4j += "1"
			assert.NotEqual(t, id, other.id(files), "other jars must have another id")
			other = r
			other.scala += "1"
			assert.NotEqual(t, id, other.id(files), "other jars must have another id")
			files["pom.xml"] = append(files["pom.xml"], ' ')
			assert.NotEqual(t, id, r.id(files), "another pom.xml must have another id")
			assert.Empty(t, ids[id])
			ids[id] = r.kind
		})
	}
	assert.Empty(t, unused, "profiles that no recipe uses")
	_, err = recipeOf("es10")
	require.ErrorContains(t, err, "unknown server")
	assert.Empty(t, Kind("es10").Version())
}
