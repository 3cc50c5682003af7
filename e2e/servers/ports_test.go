package servers

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReservePorts(t *testing.T) {
	first, release, err := reservePorts(50)
	require.NoError(t, err)
	defer release()
	second, releaseSecond, err := reservePorts(50)
	require.NoError(t, err)
	defer releaseSecond()
	seen := map[int]bool{}
	for _, port := range append(first, second...) {
		assert.False(t, seen[port], "a port must not be given twice")
		seen[port] = true
		assert.GreaterOrEqual(t, port, firstPort)
		assert.Less(t, port, firstPort+portCount)
		l, err := net.Listen("tcp", loopback(port))
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
}
