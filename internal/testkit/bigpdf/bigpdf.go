// Package bigpdf writes large PDF files for tests and benchmarks of memory and speed, as a
// stream: a file of any size costs little memory to make, and is the same every time.
package bigpdf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
)

// Options say what to write. The zero value is a file of one page.
type Options struct {
	// Size is about how many bytes of picture data there are in all.
	Size int64
	// Pages is how many pages share them, a picture each; 0 is one.
	Pages int
	// Objects is how many small dictionaries there are beside.
	Objects int
	// XrefStream ends the file with a cross-reference stream instead of a table.
	XrefStream bool
}

// Write writes the file.
func Write(w io.Writer, o Options) error {
	o.Pages = max(o.Pages, 1)
	f := &file{w: bufio.NewWriterSize(w, 64<<10), random: rand.NewChaCha8([32]byte{1})}
	f.printf("%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n")
	// 1. Catalog and page tree.
	first := 3
	f.object("<</Type/Catalog/Pages 2 0 R>>")
	f.begin()
	f.printf("<</Type/Pages/Count %d/Kids[", o.Pages)
	for i := range o.Pages {
		f.printf("%d 0 R ", first+3*i)
	}
	f.printf("]>>\nendobj\n")
	// 2. Pages, each with its content and its picture.
	for i := range o.Pages {
		n := first + 3*i
		f.object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</Im0 %d 0 R>>>>/Contents %d 0 R>>", n+2, n+1)
		f.stream("", []byte("q 500 0 0 700 40 60 cm /Im0 Do Q\n"))
		f.picture(o.Size / int64(o.Pages))
	}
	// 3. Small objects.
	for i := range o.Objects {
		f.object("<</N %d/Next %d 0 R/Text(object %d)>>", i, f.next()+1, i)
	}
	f.object("<</Last true>>") // so that every Next leads somewhere
	if o.XrefStream {
		f.xrefStream()
	} else {
		f.xrefTable()
	}
	if f.err != nil {
		return f.err
	}
	return f.w.Flush()
}

type file struct {
	w       *bufio.Writer
	n       int64
	offsets []int64
	random  *rand.ChaCha8
	err     error
}

func (f *file) printf(format string, args ...any) {
	n, err := fmt.Fprintf(f.w, format, args...)
	f.n += int64(n)
	if f.err == nil {
		f.err = err
	}
}

func (f *file) write(b []byte) {
	n, err := f.w.Write(b)
	f.n += int64(n)
	if f.err == nil {
		f.err = err
	}
}

// next is the number of the object that begins next.
func (f *file) next() int { return len(f.offsets) + 1 }

func (f *file) begin() {
	f.offsets = append(f.offsets, f.n)
	f.printf("%d 0 obj\n", len(f.offsets))
}

func (f *file) object(format string, args ...any) {
	f.begin()
	f.printf(format, args...)
	f.printf("\nendobj\n")
}

func (f *file) stream(entries string, data []byte) {
	f.begin()
	f.printf("<<%s/Length %d>>\nstream\n", entries, len(data))
	f.write(data)
	f.printf("\nendstream\nendobj\n")
}

// picture is grey noise, a thousand pixels wide, not compressed.
func (f *file) picture(size int64) {
	const width = 1000
	rows := max(size/width, 1)
	f.begin()
	f.printf("<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>\nstream\n", width, rows, rows*width)
	row := make([]byte, width)
	for range rows {
		_, _ = f.random.Read(row) // never fails
		f.write(row)
	}
	f.printf("\nendstream\nendobj\n")
}

func (f *file) xrefTable() {
	start := f.n
	f.printf("xref\n0 %d\n0000000000 65535 f\r\n", len(f.offsets)+1)
	for _, off := range f.offsets {
		f.printf("%010d 00000 n\r\n", off)
	}
	f.printf("trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(f.offsets)+1, start)
}

func (f *file) xrefStream() {
	start := f.n
	num := f.next()
	f.printf("%d 0 obj\n<</Type/XRef/W[1 8 2]/Size %d/Root 1 0 R/Length %d>>\nstream\n", num, num+1, 11*(num+1))
	row := func(kind byte, off int64, gen uint16) {
		b := binary.BigEndian.AppendUint64([]byte{kind}, uint64(off))
		f.write(binary.BigEndian.AppendUint16(b, gen))
	}
	row(0, 0, 65535)
	for _, off := range f.offsets {
		row(1, off, 0)
	}
	row(1, start, 0)
	f.printf("\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", start)
}
