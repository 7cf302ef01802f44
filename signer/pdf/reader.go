package pdf

import (
	"bytes"
	"io"
	"math"
	"regexp"
	"strconv"
)

// Options of Open. The zero value is right for files that need no password.
type Options struct {
	// Password is tried as user and as owner password, in UTF-8. The empty
	// password is always tried first.
	Password string
}

// Limits of what is taken. They bound memory and time, not honest files.
const (
	headerWindow  = 1024     // %PDF must start in the first bytes
	tailWindow    = 1 << 20  // startxref must start in the last bytes
	maxObjectSize = 16 << 20 // a single object without its stream data
	maxEntries    = 4 << 20  // cross-reference entries over all sections
	maxSections   = 4096     // cross-reference sections
	maxResolve    = 32       // references to references
)

// Reader reads a PDF file. It keeps cross-reference entries in memory, 16
// bytes each, and small caches; never the file. It is not safe for concurrent
// use, and the bytes under it must not change.
type Reader struct {
	src       io.ReaderAt
	size      int64
	base      int64 // offset of %PDF when offsets in the file count from it
	version   string
	sections  []*section // oldest first
	revisions []Revision // oldest first
	entries   int        // over all sections
	crypt     *crypt     // nil when the file is not encrypted
	// xrefStreams are the offsets of cross-reference streams, whose strings
	// are never encrypted.
	xrefStreams map[int64]bool
	cache       objectCache
	window      window
	scratch     scratch
	// startXref is the value written behind the last startxref keyword.
	startXref int64
}

// slicer is a source in memory: pieces of it need not be copied. Open asks its src for it.
type slicer interface {
	// Slice returns n bytes at off, which are there and never change.
	Slice(off int64, n int) []byte
}

// Open reads the header and all cross-reference sections of the PDF file in
// the first size bytes of src. Objects are read when asked for. The error is
// an *Error whose Reason says why the file is refused.
func Open(src io.ReaderAt, size int64, opts Options) (*Reader, error) {
	r := &Reader{src: src, size: size, xrefStreams: make(map[int64]bool)}
	// 1. The header, perhaps behind junk.
	junk, err := r.readHeader()
	if err != nil {
		return nil, err
	}
	// 2. The last startxref, perhaps before junk.
	tail, err := r.findTail()
	if err != nil {
		return nil, err
	}
	r.startXref = tail.value
	// 3. The chain of sections, newest first. Where there is junk before the
	// header, offsets count from the file's start or from the header.
	if err := r.openChain(tail, junk); err != nil {
		return nil, err
	}
	// 4. What the sections make together.
	if err := r.buildRevisions(tail); err != nil {
		return nil, err
	}
	// 5. Encryption, and the one object every file must have.
	if err := r.openCrypt(opts); err != nil {
		return nil, err
	}
	if _, err := Catalog(r.Last()); err != nil {
		return nil, err
	}
	return r, nil
}

// Size returns the length of the file.
func (r *Reader) Size() int64 { return r.size }

// Encrypted reports whether strings and streams of the file are encrypted.
func (r *Reader) Encrypted() bool { return r.crypt != nil }

// HeaderVersion returns the version of the header, such as "1.7".
func (r *Reader) HeaderVersion() string { return r.version }

// HeaderOffset returns the number of bytes before %PDF that offsets in the
// file don't count.
func (r *Reader) HeaderOffset() int64 { return r.base }

// ReaderAt returns the bytes under the Reader.
func (r *Reader) ReaderAt() io.ReaderAt { return r.src }

// window is a piece of the file that was read last. Its bytes are never changed, so what was
// given out of it stays.
type window struct {
	off int64
	buf []byte
}

const (
	wholeFile = 128 << 10 // a file up to this size is read at once
	minWindow = 4 << 10
	maxWindow = 64 << 10
)

// whole reports whether the window holds the whole file.
func (r *Reader) whole() bool { return r.size <= wholeFile }

// readAt returns up to n bytes at off, fewer at the end of the file. They must not be changed,
// and, being part of a longer buffer, not be kept unless the file is whole.
func (r *Reader) readAt(off int64, n int) ([]byte, error) {
	if off < 0 || off > r.size {
		return nil, refuseAt(Damaged, off, "place outside of the file")
	}
	n = int(min(int64(n), r.size-off))
	if n == 0 {
		return nil, nil
	}
	w := &r.window
	if off < w.off || off+int64(n) > w.off+int64(len(w.buf)) {
		if err := r.moveWindow(off, n); err != nil {
			return nil, err
		}
	}
	at := int(off - w.off)
	return w.buf[at : at+n : at+n], nil
}

// moveWindow makes a window with n bytes at off. It reads ahead the further the more the
// reads go forward in the file.
func (r *Reader) moveWindow(off int64, n int) error {
	size := minWindow
	if w := r.window; off >= w.off && off <= w.off+2*int64(len(w.buf)) {
		size = min(2*len(w.buf), maxWindow)
	}
	from, size := off, max(size, n, minWindow)
	if r.whole() {
		from, size = 0, int(r.size)
	}
	buf, err := r.fetch(from, int(min(int64(size), r.size-from)))
	if err != nil {
		return err
	}
	r.window = window{from, buf}
	return nil
}

// fetch reads n bytes at off.
func (r *Reader) fetch(off int64, n int) ([]byte, error) {
	if s, ok := r.src.(slicer); ok {
		return s.Slice(off, n), nil
	}
	buf := make([]byte, n)
	got, err := r.src.ReadAt(buf, off)
	if got < len(buf) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, &Error{Reason: ReadFailed, Detail: "read file", Offset: off, Err: err}
	}
	return buf, nil
}

// readHeader returns the offset of the header.
func (r *Reader) readHeader() (int64, error) {
	head, err := r.readAt(0, headerWindow+16)
	if err != nil {
		return 0, err
	}
	i := bytes.Index(head, []byte("%PDF-"))
	if i < 0 || i > headerWindow {
		return 0, refuse(NotPDF, "no %%PDF header in the first %d bytes", headerWindow)
	}
	v := head[i+5:]
	n := 0
	for n < len(v) && n < 8 && (v[n] >= '0' && v[n] <= '9' || v[n] == '.') {
		n++
	}
	r.version = string(v[:n])
	return int64(i), nil
}

// tail is where the file says that it ends.
type tail struct {
	keyword int64 // offset of "startxref"
	value   int64 // the number behind it
	eof     int64 // behind %%EOF
}

// findTail looks backwards for the last startxref. What stands behind its
// %%EOF is junk only if it holds nothing of a PDF file: otherwise the file
// was cut in the middle of an update.
func (r *Reader) findTail() (tail, error) {
	keyword := []byte("startxref")
	for window := int64(2048); ; window *= 8 {
		window = min(window, tailWindow, r.size)
		start := r.size - window
		buf, err := r.readAt(start, int(window))
		if err != nil {
			return tail{}, err
		}
		i := bytes.LastIndex(buf, keyword)
		if i < 0 {
			if window == r.size || window == tailWindow {
				return tail{}, refuse(Damaged, "no startxref in the last %d bytes: the file is cut off or not a PDF file to its end", window)
			}
			continue
		}
		t, err := parseTail(buf[i:], start+int64(i))
		if err != nil {
			return tail{}, err
		}
		if junk := buf[t.eof-start:]; looksLikePDF(junk) {
			return tail{}, refuseAt(Damaged, t.eof, "objects behind the last %%%%EOF: the file is cut off")
		}
		return t, nil
	}
}

// parseTail reads "startxref", a number and "%%EOF".
func parseTail(buf []byte, off int64) (tail, error) {
	t := tail{keyword: off}
	i := len("startxref")
	skip := func() {
		for i < len(buf) && isSpace(buf[i]) {
			i++
		}
	}
	skip()
	n := i
	for n < len(buf) && buf[n] >= '0' && buf[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(string(buf[i:n]), 10, 64)
	if err != nil || v > math.MaxInt64/2 {
		return t, refuseAt(Damaged, off, "startxref without a number")
	}
	t.value = v
	i = n
	skip()
	// Some writers put a comment of their own before the marker.
	if !bytes.HasPrefix(buf[i:], []byte("%%EOF")) {
		n := bytes.Index(buf[i:min(len(buf), i+256)], []byte("%%EOF"))
		if n < 0 || buf[i] != '%' {
			return t, refuseAt(Damaged, off, "no %%%%EOF behind startxref: the file is cut off")
		}
		i += n
	}
	t.eof = off + int64(i+len("%%EOF"))
	return t, nil
}

// pdfSyntax is an object header or a keyword that only PDF files have.
var pdfSyntax = regexp.MustCompile(`\d\s+\d+\s+obj\b|\bendobj\b|\bendstream\b|(^|[\r\n])(xref|trailer)\b`)

func looksLikePDF(b []byte) bool { return pdfSyntax.Match(b) }
