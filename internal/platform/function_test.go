package platform

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		f    Function
		want []string // the error's lines
	}{
		{"defaults", Function{}, nil},
		{"lower limits", Function{Timeout: time.Second, InitTimeout: 1, MemoryMB: 64}, nil},
		{"upper limits", Function{Timeout: 900 * time.Second, InitTimeout: 300 * time.Second, MemoryMB: 3072}, nil},
		{"variables up to the limit", Function{Env: map[string]string{"a": strings.Repeat("x", 4095)}}, nil},
		{
			"one byte too many",
			Function{Env: map[string]string{"a": strings.Repeat("x", 4095), "b": ""}},
			[]string{
				"variable b: is empty; the platform takes no empty values, leave it out",
				"variables: 4097 bytes in all, want at most 4096",
			},
		},
		{
			"everything at once",
			Function{
				Path: "/no/such/file", Timeout: 901 * time.Second, InitTimeout: -1, MemoryMB: 192,
				Env: map[string]string{"1a": "secret", "a-b": "secret", "SCF_x": "secret", "TENCENTCLOUD_y": "v", "QCLOUD_z": "v", "ok_1": "v"},
			},
			[]string{
				"function: stat /no/such/file: no such file or directory",
				"timeout: got 15m1s, want whole seconds from 1 to 900",
				"init timeout: got -1ns, want at most 5m0s",
				"memory: got 192 MB, want 64 or a multiple of 128 up to 3072",
				`variable "1a": a name is a letter, then letters, digits and _`,
				"variable QCLOUD_z: names that start with SCF_, QCLOUD_, TENCENTCLOUD_ belong to the platform",
				"variable SCF_x: names that start with SCF_, QCLOUD_, TENCENTCLOUD_ belong to the platform",
				"variable TENCENTCLOUD_y: names that start with SCF_, QCLOUD_, TENCENTCLOUD_ belong to the platform",
				`variable "a-b": a name is a letter, then letters, digits and _`,
			},
		},
		{"half a second more", Function{Timeout: 1500 * time.Millisecond}, []string{"timeout: got 1.5s, want whole seconds from 1 to 900"}},
		{"too little", Function{Timeout: time.Millisecond, MemoryMB: -128}, []string{
			"timeout: got 1ms, want whole seconds from 1 to 900",
			"memory: got -128 MB, want 64 or a multiple of 128 up to 3072",
		}},
		{"a folder", Function{Path: "testdata"}, []string{"function: testdata is not an executable file"}},
		{"not executable", Function{Path: "function_test.go"}, []string{"function: function_test.go is not an executable file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.f.Path == "" {
				c.f.Path = testFunc
			}
			err := c.f.Validate()
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.Equal(t, c.want, strings.Split(err.Error(), "\n"))
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}
