package pdf

import (
	"bytes"
	"encoding/ascii85"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPagesInheritAndSurviveOddTrees(t *testing.T) {
	t.Parallel()
	m := small().info()
	m.objects[2] = "<</Kids[9 0 R 3 0 R 2 0 R null 5 0 R/Odd]/MediaBox[600 0 0 800]/Rotate -90/Resources<</A 1>>>>"
	m.objects[9] = "<</Type/Pages/Kids[10 0 R 9 0 R]/CropBox[10 10 500 900]>>"
	m.objects[10] = "<</Parent 9 0 R/Rotate 450>>" // no Type
	m.objects[5] = "<</Type/Pages>>"               // no Kids
	r := open(t, m.bytes())
	var got []string
	for p, err := range Pages(r.Last()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d: %v %v %v %d %v %v", p.Number, p.Ref, p.MediaBox, p.CropBox, p.Rotate, p.Resources.Has("A"), p.Parents))
	}
	want := []string{
		"1: 10 0 R [0 0 600 800] [10 10 500 800] 90 true [2 0 R 9 0 R]",
		"2: 3 0 R [0 0 600 800] [0 0 600 800] 270 false [2 0 R]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := PageAt(r.Last(), 3); reasonOf(err) != TypeMismatch {
		t.Errorf("page 3: %v", err)
	}
	if p, err := PageOfAnnotation(r.Last(), Ref{Num: 7}); err != nil || p.Number != 2 {
		t.Errorf("page of the widget: %v, %v", p, err)
	}
}

func TestFieldsAreWalkedWithInheritance(t *testing.T) {
	t.Parallel()
	m := small().info()
	m.objects[6] = "<</Fields[9 0 R 7 0 R 9 0 R 99 0 R]/DA(form)>>"
	m.objects[9] = "<</T<FEFF004B00FD>/FT/Sig/Ff 1/Kids[10 0 R 11 0 R 9 0 R]>>"
	m.objects[10] = "<</T(a)/Parent 9 0 R/Kids[12 0 R 13 0 R]>>"
	m.objects[11] = "<</T(b)/FT/Tx/Ff 2/V(x)/DA(own)/Parent 9 0 R/Subtype/Widget/Rect[0 0 1 1]>>"
	m.objects[12] = "<</Subtype/Widget/Rect[0 0 1 1]/Parent 10 0 R>>"
	m.objects[13] = "<</Subtype/Widget/Rect[0 0 2 2]/Parent 10 0 R>>"
	r := open(t, m.bytes())
	fields, err := Fields(r.Last())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range fields {
		var w []string
		for _, x := range f.Widgets {
			w = append(w, fmt.Sprint(x.Ref.Num, x.Merged))
		}
		got = append(got, fmt.Sprintf("%s %s %d %v %s %v %v", f.Name, f.Type, f.Flags, f.Value, f.DA, f.Parents, w))
	}
	want := []string{
		"Ký.a Sig 1 <nil> form [9 0 R] [12 false 13 false]",
		"Ký.b Tx 2 x own [9 0 R] [11 true]",
		"number Tx 0 <nil> form [] [7 true]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestSharedAnnotsAreNotChanged(t *testing.T) {
	t.Parallel()
	m := small().info()
	m.objects[2] = "<</Type/Pages/Kids[3 0 R 9 0 R]/Count 2/MediaBox[0 0 595 842]>>"
	m.objects[3] = "<</Type/Page/Parent 2 0 R/Annots 10 0 R>>"
	m.objects[9] = "<</Type/Page/Parent 2 0 R/Annots 10 0 R>>"
	m.objects[10] = "[7 0 R]"
	u := NewUpdate(open(t, m.bytes()))
	first, err := PageAt(u, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.AddAnnotation(first, Ref{Num: 5}); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]int{1: 2, 2: 1} {
		p, err := PageAt(u, n)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := ArrayAt(u, p.Dict.Get("Annots")); err != nil || len(a) != want {
			t.Errorf("page %d has annotations %v (%v)", n, a, err)
		}
	}
}

func TestFiltersDecode(t *testing.T) {
	t.Parallel()
	a85 := make([]byte, 64)
	a85 = append(a85[:ascii85.Encode(a85, []byte("Xin chào\x00\x00\x00\x00!"))], "~>"...)
	png, err := deflate([]byte{0, 1, 2, 3, 1, 1, 1, 1, 2, 1, 1, 1, 3, 2, 2, 2, 4, 1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	tiff, err := deflate([]byte{0x12, 0x34})
	if err != nil {
		t.Fatal(err)
	}
	long := bytes.Repeat([]byte("abcabcd"), 3000)
	for name, c := range map[string]struct {
		data   []byte
		filter Object
		parms  Object
		want   []byte
	}{
		"ASCIIHex":       {[]byte("48 65\n6c6C 6>"), Name("ASCIIHexDecode"), nil, []byte("Hell`")},
		"ASCII85":        {a85, Name("ASCII85Decode"), nil, []byte("Xin chào\x00\x00\x00\x00!")},
		"RunLength":      {[]byte("\x02abc\xfed\x80zzz"), Name("RunLengthDecode"), nil, []byte("abcddd")},
		"LZW":            {[]byte("\x80\x0B\x60\x50\x22\x0C\x0C\x85\x01"), Name("LZWDecode"), nil, []byte("-----A---B")},
		"LZW, long":      {lzwEncode(long, 1), Name("LZWDecode"), nil, long},
		"LZW, late":      {lzwEncode(long, 0), Name("LZWDecode"), Map{"EarlyChange": Integer(0)}, long},
		"two":            {[]byte("<~" + "80 0B 60 50 22 0C 0C 85 01>")[2:], Array{Name("AHx"), Name("LZW")}, nil, []byte("-----A---B")},
		"PNG predictors": {png, Name("FlateDecode"), Map{"Predictor": Integer(15), "Columns": Integer(3)}, []byte{1, 2, 3, 1, 2, 3, 2, 3, 4, 3, 5, 6, 4, 6, 7}},
		"TIFF, 4 bits":   {tiff, Name("FlateDecode"), Map{"Predictor": Integer(2), "Columns": Integer(4), "BitsPerComponent": Integer(4)}, []byte{0x13, 0x6a}},
	} {
		dict, err := AppendObject(nil, Map{"Filter": c.filter, "DecodeParms": c.parms}, nil)
		if err != nil {
			t.Fatal(err)
		}
		o, err := parseAll(dict, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := streamData(&Reader{}, &Stream{Dict: o.(*Dict), isPending: true, pending: c.data}, directOnly{}, 1<<20)
		if err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v", name, got[:min(len(got), 40)], err)
		}
	}
}

// lzwEncode is a plain encoder for tests.
func lzwEncode(data []byte, early int) []byte {
	var out []byte
	var acc, n uint
	table := map[string]uint{}
	next, width := uint(258), uint(9)
	reset := func() {
		clear(table)
		for i := range 256 {
			table[string([]byte{byte(i)})] = uint(i)
		}
		next, width = 258, 9
	}
	put := func(code uint) {
		acc, n = acc<<width|code, n+width
		for n >= 8 {
			out = append(out, byte(acc>>(n-8)))
			n -= 8
			acc &= 1<<n - 1
		}
	}
	reset()
	put(256)
	w := ""
	for _, b := range data {
		if _, ok := table[w+string([]byte{b})]; ok {
			w += string([]byte{b})
			continue
		}
		put(table[w])
		table[w+string([]byte{b})] = next
		next++
		// The decoder is one entry behind.
		if next+uint(early) > 1<<width {
			width++
		}
		if next >= 4094 {
			put(256)
			reset()
		}
		w = string([]byte{b})
	}
	put(table[w])
	put(257)
	return append(out, byte(acc<<(8-n)))
}

func TestTextStringsAndDates(t *testing.T) {
	t.Parallel()
	for s, want := range map[String]string{
		"abc":                             "abc",
		"\x80\xa0\x18":                    "•€˘",
		"\xfe\xff\x01\x29":                "ĩ",
		"\xff\xfe\x29\x01":                "ĩ",
		"\xef\xbb\xbfUỷ ban":              "Uỷ ban",
		"\xfe\xff\x00\x1bvi\x00\x1b\x00a": "a",
	} {
		if got := Text(s); got != want {
			t.Errorf("%q decodes to %q, want %q", string(s), got, want)
		}
	}
	b, err := AppendObject(nil, EncodeText("ĩ"), nil)
	if err != nil || string(b) != "<feff0129>" {
		t.Errorf("ĩ is written as %s, %v", b, err)
	}
	hanoi := time.FixedZone("", 7*3600)
	at := time.Date(2025, 7, 21, 9, 30, 5, 0, hanoi)
	if got := EncodeDate(at); got != "D:20250721093005+07'00'" {
		t.Errorf("date %s", got)
	}
	if got := EncodeDate(at.UTC()); got != "D:20250721023005Z" {
		t.Errorf("date %s", got)
	}
	for s, want := range map[String]string{
		"D:20250721093005+07'00'": "2025-07-21T09:30:05+07:00", "D:20250721093005+07'00": "2025-07-21T09:30:05+07:00",
		"D:2025": "2025-01-01T00:00:00Z", "20250721": "2025-07-21T00:00:00Z", "D:20250721093005-0330": "2025-07-21T09:30:05-03:30",
		"D:20250231": "", "yesterday": "", "D:20250721093005+25'00'": "", "D:20250721093005x": "",
	} {
		got, err := ParseDate(s)
		if want == "" != (err != nil) || err == nil && got.Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
}

func TestObjectsAreBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		object string
		want   Code
	}{
		"many parts": {"[" + strings.Repeat("[]", maxNodes+1) + "]", TooLarge},
		"deep":       {strings.Repeat("<</A", maxDepth+1), TooDeep},
		"long":       {"(" + strings.Repeat("x", maxObjectSize+10) + ")", TooLarge},
	} {
		m := small().info()
		m.objects[9] = c.object
		r := open(t, m.bytes())
		if _, err := r.Last().Load(Ref{Num: 9}); reasonOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
