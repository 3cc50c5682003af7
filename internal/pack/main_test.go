package main

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestZipIsWhatThePlatformTakes(t *testing.T) {
	code := bytes.Repeat([]byte("machine code "), 1000)
	var first, second bytes.Buffer
	require.NoError(t, write(&first, code))
	require.NoError(t, write(&second, code))
	require.Equal(t, first.Bytes(), second.Bytes(), "the same executable must give the same zip")

	z, err := zip.NewReader(bytes.NewReader(first.Bytes()), int64(first.Len()))
	require.NoError(t, err)
	require.Len(t, z.File, 1)
	require.Equal(t, "main", z.File[0].Name, "at the zip's root")
	require.EqualValues(t, 0o755, z.File[0].Mode().Perm())
	f, err := z.File[0].Open()
	require.NoError(t, err)
	got, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, code, got)
}
