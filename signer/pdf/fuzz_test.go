package pdf

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"
)

// FuzzObject parses an object, writes it and parses it again: both must be
// the same.
func FuzzObject(f *testing.F) {
	for _, s := range []string{
		"<</A[1 -2.5 .5 +3 4. true false null]/B(a\\(b\\)\\\\\\n\\101\r\n)/C<48 65 6c6>/D 1 0 R/E/N#20m>>",
		"[1 0 R 1 0 2 R 3]", "(a(b)c)", "<</Contents(x)/ByteRange[0 1 2 3]>>", "% c\n/x", "12345678901234567890",
		"<</A<</A<</A[[[]]]>>>>>>", "/A#", "/#41#4", "(\\\r\nx\\9\\12)", "<</A 1/A 2>>", "-0.000001",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := parseAll(b, nil)
		if err != nil {
			return
		}
		out, err := AppendObject(nil, o, nil)
		if err != nil {
			if reasonOf(err) == TypeMismatch {
				return // a number too large to be written
			}
			t.Fatalf("write %q: %v", b, err)
		}
		again, err := parseAll(out, nil)
		if err != nil {
			t.Fatalf("%q was written as %q: %v", b, out, err)
		}
		out2, err := AppendObject(nil, again, nil)
		if err != nil || !bytes.Equal(out, out2) {
			t.Fatalf("%q was written as %q, then %q (%v)", b, out, out2, err)
		}
		if d, ok := o.(*Dict); ok {
			for _, e := range d.Entries {
				v, err := parseAll(b[e.ValueSpan.Start:e.ValueSpan.End], nil)
				if err != nil || !sameValue(v, e.Value) {
					t.Fatalf("span of %s in %q: %v, %v", e.Key, b, v, err)
				}
			}
		}
	})
}

// sameValue compares objects without the spans inside.
func sameValue(a, b Object) bool {
	x, err1 := AppendObject(nil, a, nil)
	y, err2 := AppendObject(nil, b, nil)
	return err1 != nil && err2 != nil || bytes.Equal(x, y) && reflect.TypeOf(a) == reflect.TypeOf(b)
}

// FuzzReader reads everything of a file and updates it; the update must be
// read back.
func FuzzReader(f *testing.F) {
	for _, s := range structures() {
		f.Add(s.file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		r, err := Open(bytes.NewReader(b), int64(len(b)), Options{})
		if err != nil {
			if reasonOf(err) == "" {
				t.Fatalf("refusal without a code: %v", err)
			}
			return
		}
		touchAll(r)
		inc, err := signLike(r)
		if err != nil {
			return
		}
		out := append(append([]byte(nil), b...), inc.Bytes...)
		r2, err := Open(bytes.NewReader(out), int64(len(out)), Options{})
		if err != nil {
			t.Fatalf("own update can't be read: %v", err)
		}
		ind, err := r2.Last().Load(inc.Signature.Ref)
		if err != nil || ind.Dict().Name("Type") != "Sig" {
			t.Fatalf("signature in own update: %v", err)
		}
		for n, e := range r.Last().Objects() {
			if _, ok := r2.Changed(len(r2.Revisions()) - 1)[n]; ok {
				continue
			}
			x, err1 := r.Last().Load(Ref{n, e.Gen})
			y, err2 := r2.Last().Load(Ref{n, e.Gen})
			if (err1 == nil) != (err2 == nil) || err1 == nil && !bytes.Equal(x.Raw, y.Raw) {
				t.Fatalf("object %d changed: %v, %v", n, err1, err2)
			}
		}
	})
}

// touchAll calls everything that reads.
func touchAll(r *Reader) {
	for n := range r.Revisions() {
		v := r.At(n)
		for num, e := range v.Objects() {
			ind, err := v.Load(Ref{num, e.Gen})
			if err != nil {
				continue
			}
			if st, ok := ind.Value.(*Stream); ok {
				_, _ = v.StreamData(st, 1<<20)
			}
			_, _, _ = v.ObjectSpan(ind.Ref)
		}
		for p, err := range Pages(v) {
			if err != nil || p.Number > 100 {
				break
			}
		}
		_, _ = Fields(v)
		_, _ = ActiveContent(v)
	}
}

// FuzzXrefStream reads rows by any widths, index and parameters.
func FuzzXrefStream(f *testing.F) {
	f.Add([]byte{1, 0, 9, 0, 1, 0, 20, 0}, "/W[1 2 1]/Size 2/Root 1 0 R")
	f.Add([]byte{2, 0, 9, 0}, "/W[1 2 1]/Index[5 1]/Size 6/Root 1 0 R/Prev 3")
	f.Add([]byte{}, "/W[0 8 0]/Size 0")
	f.Fuzz(func(t *testing.T, rows []byte, entries string) {
		b := []byte("%PDF-1.5\n1 0 obj<</Type/XRef/Length ")
		b = append(b, Integer(len(rows)).text()...)
		b = append(b, entries...)
		b = append(b, ">>stream\n"...)
		b = append(b, rows...)
		b = append(b, "\nendstream endobj"...)
		r := &Reader{src: bytes.NewReader(b), size: int64(len(b)), xrefStreams: map[int64]bool{}}
		s, err := r.readOneSection(9)
		if err != nil {
			if reasonOf(err) == "" {
				t.Fatalf("refusal without a code: %v", err)
			}
			return
		}
		for i, e := range s.entries {
			if i > 0 && s.entries[i-1].num >= e.num {
				t.Fatal("entries are not sorted")
			}
			if pack(e.num, e.entry()) != e {
				t.Fatalf("entry %+v does not survive packing", e)
			}
		}
	})
}

func (i Integer) text() []byte {
	b, _ := AppendObject(nil, i, nil)
	return b
}

// FuzzObjectStream reads the head and objects of a decoded object stream.
func FuzzObjectStream(f *testing.F) {
	f.Add([]byte("7 0 8 3 <<>> [1]"), 2, 8)
	f.Add([]byte("7 0"), 1, 3)
	f.Fuzz(func(t *testing.T, data []byte, n, first int) {
		if first < 0 || first > len(data) || n < 0 || n > len(data) {
			return
		}
		s := &objectStream{data: data}
		if s.readPlaces(n, first) != nil {
			return
		}
		for i, p := range s.places {
			ind, err := s.object(p.num, uint32(i))
			if err != nil {
				continue
			}
			if o, err := parseAll(ind.Raw, nil); err != nil || !sameValue(o, ind.Value) {
				t.Fatalf("raw %q is not the object: %v", ind.Raw, err)
			}
			if _, err := s.object(p.num+1, uint32(i)); err == nil {
				t.Fatal("another number was found in its place")
			}
		}
	})
}

// FuzzFilters runs every filter over anything; output is bounded.
func FuzzFilters(f *testing.F) {
	z, _ := deflate([]byte("hello hello"))
	f.Add(z, "FlateDecode", 12, 4, 3, 8)
	f.Add([]byte("80 0B 60 50 22 0C 0C 85 01"), "ASCIIHexDecode", 1, 1, 1, 8)
	f.Add([]byte("\x80\x0B\x60\x50\x22\x0C\x0C\x85\x01"), "LZWDecode", 2, 2, 1, 4)
	f.Add([]byte("9jqo^~>"), "ASCII85Decode", 1, 1, 1, 8)
	f.Add([]byte("\x02abc\xffd\x80"), "RunLengthDecode", 1, 1, 1, 8)
	f.Fuzz(func(t *testing.T, data []byte, name string, predictor, columns, colors, bpc int) {
		st := &Stream{isPending: true, pending: data, Dict: &Dict{Entries: []Entry{
			{Key: "Filter", Value: Name(name)},
			{Key: "DecodeParms", Value: &Dict{Entries: []Entry{
				{Key: "Predictor", Value: Integer(predictor)}, {Key: "Columns", Value: Integer(columns)},
				{Key: "Colors", Value: Integer(colors)}, {Key: "BitsPerComponent", Value: Integer(bpc)},
			}}},
		}}}
		out, err := streamData(&Reader{}, st, directOnly{}, 1<<16)
		if err != nil && reasonOf(err) == "" {
			t.Fatalf("refusal without a code: %v", err)
		}
		if len(out) > 1<<16 {
			t.Fatal("limit passed")
		}
	})
}

// FuzzCipher checks that what is encrypted decrypts to itself.
func FuzzCipher(f *testing.F) {
	f.Add([]byte("text"), uint8(2), uint32(7))
	f.Fuzz(func(t *testing.T, b []byte, m uint8, num uint32) {
		c := &crypt{key: binary.BigEndian.AppendUint32(make([]byte, 12), num), strings: cryptMethod(m%3) + 1, streams: cryptMethod(m%3) + 1}
		if c.strings == methodAESV3 {
			c.key = append(c.key, c.key...)
		}
		ref := Ref{Num: num | 1}
		enc, err := c.stringEncrypter(ref)(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.stringDecrypter(ref)(enc)
		if err != nil || !bytes.Equal(got, b) {
			t.Fatalf("%x came back as %x: %v", b, got, err)
		}
		st := &Stream{Dict: &Dict{}, ref: ref}
		r, err := c.streamReader(bytes.NewReader(enc), st, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := out.ReadFrom(r); err != nil || !bytes.Equal(out.Bytes(), b) {
			t.Fatalf("stream %x came back as %x: %v", b, out.Bytes(), err)
		}
	})
}

// FuzzText checks text strings and dates.
func FuzzText(f *testing.F) {
	f.Add("Nguyễn Văn Hĩnh")
	f.Add("D:20250721093000+07'00'")
	f.Add("\xff\xfea\x00")
	f.Fuzz(func(t *testing.T, s string) {
		if bytes.ContainsRune([]byte(s), 0x1b) {
			return // language escapes
		}
		want := string([]rune(s)) // invalid UTF-8 becomes U+FFFD
		if got := Text(EncodeText(s)); got != want {
			t.Fatalf("%q came back as %q", s, got)
		}
		_ = Text(String(s))
		if d, err := ParseDate(String(s)); err == nil {
			if again, err := ParseDate(EncodeDate(d)); err != nil || !again.Equal(d) {
				t.Fatalf("date %q: %v, then %v (%v)", s, d, again, err)
			}
		}
	})
}
