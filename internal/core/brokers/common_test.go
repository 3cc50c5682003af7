package brokers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/twmb/franz-go/pkg/kversion"
	"pgregory.net/rapid"

	"ckafka-etl/internal/core/brokers"
)

func abilitiesOf(v *kversion.Versions) brokers.Abilities {
	a := make(brokers.Abilities)
	v.EachMaxKeyVersion(func(k, v int16) { a[k] = v })
	return a
}

// In the middle of an upgrade the cluster can do what its oldest broker can.
func TestCommon(t *testing.T) {
	t.Parallel()
	versions := []*kversion.Versions{
		kversion.V0_9_0(), kversion.V0_10_2(), kversion.V0_11_0(), kversion.V1_1_0(), kversion.V2_0_0(), kversion.V2_1_0(),
		kversion.V2_3_0(), kversion.V2_4_0(), kversion.V2_8_0(), kversion.V3_9_0(),
	}
	type abilities struct{ times, batches, settings, zstd, lasting, rights, named bool }
	of := func(a brokers.Abilities) abilities {
		return abilities{a.Timestamps(), a.RecordBatches(), a.TopicSettings(), a.Zstd(), a.LastingOffsets(), a.Rights(), a.NamedRefusals()}
	}
	since := []abilities{
		{},
		{times: true},
		{true, true, true, false, false, false, false},
		{true, true, true, false, false, false, false},
		{true, true, true, false, false, false, false},
		{true, true, true, true, true, false, false},
		{true, true, true, true, true, true, false},
		{true, true, true, true, true, true, true},
		{true, true, true, true, true, true, true},
		{true, true, true, true, true, true, true},
	}
	rapid.Check(t, func(t *rapid.T) {
		cluster := rapid.SliceOfN(rapid.IntRange(0, len(versions)-1), 1, 5).Draw(t, "versions")
		oldest := cluster[0]
		var all []brokers.Abilities
		for _, v := range cluster {
			oldest = min(oldest, v)
			all = append(all, abilitiesOf(versions[v]))
		}
		assert.Equal(t, since[oldest], of(brokers.Common(all...)))
	})
	assert.Empty(t, brokers.Common())
}
