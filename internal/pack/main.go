// Command pack makes the zip that the platform takes: one executable at its
// root, named main, with the mode bits that the platform wants. The same
// executable gives the same bytes.
package main

import (
	"archive/zip"
	"compress/flate"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	out := flag.String("o", "ckafka-etl.zip", "the zip to write")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: pack -o ZIP EXECUTABLE")
		os.Exit(2)
	}
	if err := pack(*out, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(out, executable string) error {
	code, err := os.ReadFile(executable)
	if err != nil {
		return fmt.Errorf("%w; run make build first", err)
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	err = write(f, code)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(out)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %.2f MB (main: %.2f MB)\n", out, float64(info.Size())/1e6, float64(len(code))/1e6)
	return nil
}

func write(w io.Writer, code []byte) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	h := &zip.FileHeader{Name: "main", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o755)
	entry, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	if _, err := entry.Write(code); err != nil {
		return err
	}
	return z.Close()
}
