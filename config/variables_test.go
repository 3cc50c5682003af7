package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVariablesTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, v := range Variables {
		t.Run(v.Name, func(t *testing.T) {
			assert.False(t, seen[strings.ToLower(v.Name)], "stands twice")
			assert.True(t, ours(v.Name), "Relevant would not see it")
			assert.NotEmpty(t, v.About)
			assert.NotEmpty(t, v.AllowedText())
			assert.NotEmpty(t, v.DefaultText())
			assert.NotEqual(t, v.Default == "", v.Unset == "", "either a default or what there is without one")
			assert.NotEqual(t, v.Choices == nil, v.Allowed == "", "either choices or what is allowed")
			assert.NotContains(t, v.About+v.AllowedText()+v.DefaultText(), "\n")
			assert.Equal(t, strings.Contains(strings.ToLower(v.Name), "password") || v.Name == "ES_ApiKey", v.Secret)
		})
		seen[strings.ToLower(v.Name)] = true
	}
}

// TestDefaultsCanBeSet sets each variable to its default, which must be
// allowed and change nothing.
func TestDefaultsCanBeSet(t *testing.T) {
	env := with(bothOn, "kafka_user=u", "kafka_password=p")
	want := mustLoad(t, env)
	for _, v := range Variables {
		if v.Default == "" {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			value := strings.Replace(v.Default, "KEYWORD", "log", 1)
			got := mustLoad(t, with(env, v.Name+"="+value))
			if v.Name == "ES_Id_Field" {
				assert.True(t, got.ES.IDFieldSet, "somebody has chosen it")
				got.ES.IDFieldSet = false
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestChoicesAreAllowed(t *testing.T) {
	for _, v := range Variables {
		for _, choice := range v.Choices {
			t.Run(v.Name+"="+choice, func(t *testing.T) {
				mustLoad(t, with(bothOn, "kafka_user=u", "kafka_password=p", v.Name+"="+choice))
				mustLoad(t, with(bothOn, "kafka_user=u", "kafka_password=p", v.Name+"="+strings.ToUpper(choice)))
			})
		}
	}
}
