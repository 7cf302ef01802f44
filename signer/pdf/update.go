package pdf

import (
	"bytes"
	"compress/zlib"
	"slices"
	"sync"
)

// Update collects changes to a file's last revision, to be written as one
// incremental update. It is a Source that shows the document with the changes.
// Changes made before an error stay; an Update that gave one is to be dropped.
type Update struct {
	r       *Reader
	view    *View
	next    uint32
	objects map[uint32]*pending
	sig     *pending
}

// pending is an object that will be written.
type pending struct {
	ref Ref
	raw []byte // as it will stand in the file: strings encrypted
	// Of a stream: data as it will stand in the file, or where the original's
	// data stands.
	isStream bool
	data     []byte // encoded, not yet encrypted
	original *Stream
	parsed   *Indirect // of raw; nil when raw changed
	// Of a signature dictionary: places in raw.
	contents, byteRange Span
}

// NewUpdate starts an update of the file's last revision.
func NewUpdate(r *Reader) *Update {
	v := r.Last()
	return &Update{r: r, view: v, next: v.Size(), objects: make(map[uint32]*pending)}
}

// Base returns the revision that is updated.
func (u *Update) Base() *View { return u.view }

// Trailer implements Source.
func (u *Update) Trailer() *Dict { return u.view.Trailer() }

// Resolve implements Source.
func (u *Update) Resolve(o Object) (Object, error) { return resolve(u, o) }

// StreamData implements Source.
func (u *Update) StreamData(st *Stream, limit int64) ([]byte, error) {
	return streamData(u.r, st, u, limit)
}

// Changed reports whether the update writes the object.
func (u *Update) Changed(ref Ref) bool {
	p, ok := u.objects[ref.Num]
	return ok && p.raw != nil
}

// Load implements Source.
func (u *Update) Load(ref Ref) (*Indirect, error) {
	p, ok := u.objects[ref.Num]
	if !ok || p.ref != ref {
		return u.view.Load(ref)
	}
	if p.raw == nil {
		return &Indirect{Ref: ref, Offset: -1, Start: -1, Missing: true}, nil
	}
	if p.parsed == nil {
		o, err := parseAll(p.raw, u.r.crypt.stringDecrypter(ref))
		if err != nil {
			return nil, err
		}
		if p.isStream {
			d, ok := o.(*Dict)
			if !ok {
				return nil, refuse(TypeMismatch, "stream %v without a dictionary", ref)
			}
			st := &Stream{Dict: d, ref: ref, r: u.r, pending: p.data, isPending: true}
			if p.original != nil {
				c := *p.original
				c.Dict = d
				st = &c
			}
			o = st
		}
		p.parsed = &Indirect{Ref: ref, Value: o, Raw: p.raw, Offset: -1, Start: -1}
	}
	return p.parsed, nil
}

// parseAll parses a buffer that holds exactly one object.
func parseAll(raw []byte, decrypt func([]byte) ([]byte, error)) (Object, error) {
	p := &parser{lexer: lexer{buf: raw, final: true}, decrypt: decrypt}
	o, _, err := p.object()
	if err != nil {
		return nil, err
	}
	if t, err := p.next(); err != nil || t.kind != tokEOF {
		return nil, refuse(Damaged, "something stands behind the object")
	}
	return o, nil
}

// Alloc reserves a new object number; Put or PutStream must follow.
func (u *Update) Alloc() Ref {
	ref := Ref{Num: u.next}
	u.next++
	u.objects[ref.Num] = &pending{ref: ref}
	return ref
}

// Add writes a new object.
func (u *Update) Add(o Object) (Ref, error) {
	ref := u.Alloc()
	return ref, u.Put(ref, o)
}

// Put writes or replaces an object that is no stream. ref comes from Alloc or
// is an object of the file, with its generation.
func (u *Update) Put(ref Ref, o Object) error {
	raw, err := AppendObject(nil, o, u.r.crypt.stringEncrypter(ref))
	if err != nil {
		return err
	}
	return u.put(&pending{ref: ref, raw: raw})
}

// put records p in place of what was there.
func (u *Update) put(p *pending) error {
	if old, ok := u.objects[p.ref.Num]; ok {
		if old.ref != p.ref || old == u.sig {
			return refuse(TypeMismatch, "object %v can't be replaced", p.ref)
		}
	} else if e, ok := u.view.Entry(p.ref.Num); !ok || e.Kind == EntryFree || e.Gen != p.ref.Gen {
		return refuse(TypeMismatch, "object %v does not exist", p.ref)
	}
	u.objects[p.ref.Num] = p
	return nil
}

// AddStream writes a new stream. See PutStream.
func (u *Update) AddStream(dict Map, data []byte) (Ref, error) {
	ref := u.Alloc()
	return ref, u.PutStream(ref, dict, data)
}

// PutStream writes or replaces a stream. When dict has no Filter, data is
// compressed if that makes it shorter; otherwise data is already encoded. dict
// is not changed; its Length is set here.
func (u *Update) PutStream(ref Ref, dict Map, data []byte) error {
	m := make(Map, len(dict)+2)
	for k, v := range dict {
		m[k] = v
	}
	if m["Filter"] == nil && len(data) > minDeflate {
		packed, err := deflate(data)
		if err != nil {
			return err
		}
		if len(packed)+20 < len(data) {
			data = packed
			m["Filter"] = Name("FlateDecode")
		}
	}
	return u.putStream(ref, m, data)
}

// AddStored writes a new stream whose data is left as it is: what hardly gets shorter is not worth the time.
func (u *Update) AddStored(data []byte) (Ref, error) {
	ref := u.Alloc()
	return ref, u.putStream(ref, Map{}, data)
}

// putStream writes a stream of encoded data; m is its own.
func (u *Update) putStream(ref Ref, m Map, data []byte) error {
	length := len(data)
	if c := u.r.crypt; c != nil {
		// The encrypted length is known without encrypting: a vector and
		// padding for AES, as it is for RC4.
		enc, err := u.encrypted(ref, m, data)
		if err != nil {
			return err
		}
		length = len(enc)
	}
	m["Length"] = Integer(length)
	raw, err := AppendObject(nil, m, u.r.crypt.stringEncrypter(ref))
	if err != nil {
		return err
	}
	return u.put(&pending{ref: ref, raw: raw, isStream: true, data: data})
}

// encrypted returns a pending stream's data as it will stand in the file.
func (u *Update) encrypted(ref Ref, dict Object, data []byte) ([]byte, error) {
	d := DictOf(dict)
	if m, ok := dict.(Map); ok {
		d = &Dict{Entries: sortedEntries(m)}
	}
	filters, err := streamFilters(&Stream{Dict: d, ref: ref}, u)
	if err != nil {
		return nil, err
	}
	return u.r.crypt.encryptStream(ref, d, filters, data)
}

// minDeflate is below what compression and its /Filter can gain.
const minDeflate = 48

// deflaters are kept because each takes nearly a megabyte.
var deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

func deflate(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// AddSignature writes a new signature dictionary: the entries of dict, and
// room for a ByteRange and for size bytes of Contents. Build tells where they
// are. An update takes one signature.
func (u *Update) AddSignature(dict Map, size int) (Ref, error) {
	ref := u.Alloc()
	return ref, u.PutSignature(ref, dict, size)
}

// byteRangeRoom holds three numbers of 13 digits: files of up to ten terabytes.
const byteRangeRoom = len("[0 ") + 3*len("1234567890123 ")

// PutSignature is AddSignature for a number that Alloc gave.
func (u *Update) PutSignature(ref Ref, dict Map, size int) error {
	if u.sig != nil {
		return refuse(TypeMismatch, "an update can't hold two signatures")
	}
	if size < 1 || size > maxObjectSize {
		return refuse(TooLarge, "signature of %d bytes", size)
	}
	if dict["Contents"] != nil || dict["ByteRange"] != nil {
		return refuse(TypeMismatch, "Contents and ByteRange of a signature are set by the writer")
	}
	raw, err := AppendObject(make([]byte, 0, 2*size+1024), dict, u.r.crypt.stringEncrypter(ref))
	if err != nil {
		return err
	}
	p := &pending{ref: ref}
	raw = append(raw[:len(raw)-len(">>")], "\n/ByteRange "...)
	p.byteRange.Start = int64(len(raw))
	raw = append(raw, "[0 0 0 0"...)
	raw = append(appendRepeated(raw, ' ', byteRangeRoom-len("[0 0 0 0]")), ']')
	p.byteRange.End = int64(len(raw))
	raw = append(raw, "\n/Contents "...)
	p.contents.Start = int64(len(raw))
	raw = append(appendRepeated(append(raw, '<'), '0', 2*size), '>')
	p.contents.End = int64(len(raw))
	p.raw = append(raw, "\n>>"...)
	if err := u.put(p); err != nil {
		return err
	}
	u.sig = p
	return nil
}

// appendRepeated appends c n times.
func appendRepeated(dst []byte, c byte, n int) []byte {
	at := len(dst)
	dst = append(slices.Grow(dst, n), c)[:at+n]
	for done := 1; done < n; done *= 2 {
		copy(dst[at+done:], dst[at:at+done])
	}
	return dst
}

// numbers lists the objects to write, ascending.
func (u *Update) numbers() []uint32 {
	var nums []uint32
	for n, p := range u.objects {
		if p.raw != nil {
			nums = append(nums, n)
		}
	}
	slices.Sort(nums)
	return nums
}
