package pades_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// structureOddities are those of header, cross-reference, trailer and object streams.
func structureOddities() map[string]oddity {
	all := func() *doc { return newDoc(header).obj(pairs()...) }
	edit := func(old, with string) []byte { return bytes.Replace(plain(), []byte(old), []byte(with), 1) }
	rows := map[string]oddity{
		"table":  {file: plain(), check: trailerHas("Unknown", "Info")},
		"stream": {file: all().xrefStream(10, usualTrailer).bytes(), check: trailerHas("Unknown", "Info")},
		"hybrid": {file: newDoc(header).obj(pairs("5", "", "7", "", "8", "", "9", "")...).obj("8", usual[8]).
			pack(11, "", "5", usual[5], "7", usual[7], "9", usual[9]).hybrid(12, usualTrailer).bytes(), check: noXRefStm, strange: true},
		"Size too small": {file: newDoc(header).obj(pairs()...).table("/Size 4" + usualTrailer).bytes(), check: sizeAtLeast(10)},
		"Size too small in a stream": {file: newDoc(header).obj(pairs()...).xrefStream(10, "/Size 3"+usualTrailer).bytes(),
			check: sizeAtLeast(11)},
		"Size missing":             {file: bytes.Replace(plain(), []byte("/Size 10"), nil, 1), check: sizeAtLeast(10)},
		"subsection one too high":  {file: shifted(1)},
		"offsets one byte early":   {file: moved(-1)},
		"offsets one byte late":    {file: moved(1), code: "damaged"},
		"offsets of other objects": {file: swapped(), code: "damaged"},
		"startxref early":          {file: misplaced(-9)},
		"startxref late":           {file: misplaced(4)},
		"startxref nowhere":        {file: misplaced(1 << 20), code: "xref_missing"},
		"startxref twice":          {file: append(plain(), "startxref\n0\n%%EOF\n"...), code: "xref_missing"},
		"junk before, counted":     {file: newDoc("HTTP/1.1 200 OK\r\n\r\n" + header).obj(pairs()...).table("").bytes()},
		"junk before, not counted": {file: junk()},
		"junk behind":              {file: append(plain(), strings.Repeat("\x00", 2000)+"\r\n</html>"...), strange: true},
		"no final EOL":             {file: bytes.TrimRight(plain(), "\n")},
		"CR only":                  {file: bytes.ReplaceAll(plain(), []byte("\n"), []byte("\r"))},
		"header 2.0":               {file: bytes.Replace(plain(), []byte("%PDF-1.7"), []byte("%PDF-2.0"), 1)},
		"header 1.0":               {file: bytes.Replace(plain(), []byte("%PDF-1.7"), []byte("%PDF-1.0"), 1)},
		"header without number":    {file: bytes.Replace(plain(), []byte("%PDF-1.7"), []byte("%PDF-abc"), 1)},
		"header and more":          {file: bytes.Replace(plain(), []byte("%PDF-1.7\n"), []byte("%PDF-1.4 "), 1)},
		"no header":                {file: bytes.Replace(plain(), []byte("%PDF-1.7"), []byte("%FDF-1.2"), 1), code: "not_pdf"},
		"catalog version":          {file: plain("1", "<</Type/Catalog/Version/2.0/Pages 2 0 R/AcroForm 6 0 R>>"), check: catalogHas("Version", "/2.0")},
		"catalog without Type":     {file: plain("1", "<</Pages 2 0 R/AcroForm 6 0 R>>")},
		"generations":              {file: generations()},
		"all packed": {file: newDoc(header).obj("4", usual[4], "8", usual[8]).
			pack(11, "", pairs("4", "", "8", "")...).xrefStream(12, usualTrailer).bytes()},
		"packed and extended": {file: newDoc(header).obj("4", usual[4], "8", usual[8]).pack(11, "/Extends 12 0 R", "1", usual[1], "3", usual[3], "6", usual[6]).
			pack(12, "/Extends 11 0 R", "2", usual[2], "5", usual[5], "7", usual[7], "9", usual[9]).xrefStream(13, usualTrailer).bytes()},
		"packed into itself": {file: intoItself(), code: "damaged"},
		"broken object stream": {file: bytes.Replace(newDoc(header).obj(pairs("1", "")...).pack(11, "", "1", usual[1]).xrefStream(12, "").bytes(),
			[]byte("/N 1/"), []byte("/N 9/"), 1), code: "damaged"},
		"Length is wrong":    {file: edit("/Length 36", "/Length 30")},
		"Length is indirect": {file: plain("4", "<</Length 10 0 R>>\nstream\n"+text+"\nendstream", "10", "36")},
		"Prev to itself":     {file: loop(func(_, second int) int { return second }), code: "damaged"},
		"Prev in a circle":   {file: circle()},
		"Prev is 0":          {file: newDoc(header).obj(pairs()...).table("/Prev 0" + usualTrailer).bytes()},
		"Prev is negative":   {file: newDoc(header).obj(pairs()...).table("/Prev -5" + usualTrailer).bytes(), code: "damaged"},
		"Prev behind the end": {file: newDoc(header).obj(pairs()...).table("/Prev 9999999" + usualTrailer).bytes(),
			code: "damaged"},
		"an object freed":          {file: newDoc(header).obj(pairs("10", "(old)")...).table(usualTrailer).free(10).obj("9", usual[9]).table(usualTrailer).bytes()},
		"an object used again":     {file: newDoc(header).obj(pairs("10", "(old)")...).table(usualTrailer).free(10).table(usualTrailer).obj("10 1", "(new)").table(usualTrailer).bytes()},
		"updated twice, two kinds": {file: newDoc(header).obj(pairs()...).table(usualTrailer).obj("9", usual[9]).xrefStream(10, usualTrailer).bytes()},
		"double key":               {file: plain("6", "<</Fields[7 0 R]/DA(/F1 0 Tf 0 g)/DA(/F1 0 Tf 0 g)/DR<</Font<</F1 5 0 R>>>>>>")},
		"comments everywhere": {file: bytes.Replace(plain("1", "<</Type/Catalog%>>\n/Pages 2 0 R%x\n/AcroForm%y\n6 0 R>>%z"), []byte("trailer\n<<"),
			[]byte("trailer%a\n<<%b\n"), 1)},
		"no ID": {file: newDoc(header).obj(pairs()...).table("/Info 9 0 R").bytes()},
	}
	return rows
}

func trailerHas(keys ...pdf.Name) func(*testing.T, *pdf.View, *pdf.View) {
	return func(t *testing.T, _, after *pdf.View) {
		for _, k := range keys {
			if !after.Trailer().Has(k) {
				t.Errorf("the trailer lost %s", k)
			}
		}
	}
}

func noXRefStm(t *testing.T, _, after *pdf.View) {
	if after.Trailer().Has("XRefStm") {
		t.Error("a stale XRefStm was copied")
	}
}

func sizeAtLeast(n int64) func(*testing.T, *pdf.View, *pdf.View) {
	return func(t *testing.T, _, after *pdf.View) {
		if got, _ := after.Trailer().Int("Size"); got <= n {
			t.Errorf("Size is %d, of a file with object %d", got, n-1)
		}
	}
}

func catalogHas(key pdf.Name, want string) func(*testing.T, *pdf.View, *pdf.View) {
	return func(t *testing.T, _, after *pdf.View) {
		c, err := pdf.Catalog(after)
		if err != nil || written(t, c.Get(key)) != want {
			t.Errorf("%s of the catalog is %v (%v), want %s", key, c.Get(key), err, want)
		}
	}
}

// free lists an object as free in the section that comes.
func (d *doc) free(n int) *doc {
	d.places[0], d.places[n] = place{0, n, 65535}, place{0, 0, 1}
	return d
}

// shifted numbers the table's only subsection too high.
func shifted(by int) []byte {
	d := newDoc(header).obj(pairs()...)
	at := d.tableAt(by)
	fmt.Fprintf(&d.b, "trailer\n<<%s>>\n", d.trailerOf(usualTrailer))
	return d.end(at).bytes()
}

// moved places every object some bytes beside where it is.
func moved(by int) []byte {
	d := newDoc(header).obj(pairs()...)
	for n, p := range d.places {
		d.places[n] = place{1, p[1] + by, p[2]}
	}
	return d.table(usualTrailer).bytes()
}

func swapped() []byte {
	d := newDoc(header).obj(pairs()...)
	d.places[3], d.places[4] = d.places[4], d.places[3]
	return d.table(usualTrailer).bytes()
}

// misplaced writes a wrong startxref.
func misplaced(by int) []byte {
	d := newDoc(header).obj(pairs()...)
	at := d.tableAt(0)
	fmt.Fprintf(&d.b, "trailer\n<<%s>>\n", d.trailerOf(usualTrailer))
	return d.end(at + by).bytes()
}

func junk() []byte {
	d := newDoc("From: mail\r\n\r\n" + header)
	d.base = len("From: mail\r\n\r\n")
	return d.obj(pairs()...).table(usualTrailer).bytes()
}

// generations has objects of generations other than 0: catalog, page, form and font.
func generations() []byte {
	d := newDoc(header)
	gens := strings.NewReplacer("3 0 R", "3 2 R", "5 0 R", "5 7 R", "6 0 R", "6 1 R")
	list := pairs()
	for i := 0; i < len(list); i += 2 {
		n := strings.NewReplacer("1", "1 65534", "3", "3 2", "5", "5 7", "6", "6 1").Replace(list[i])
		d.obj(n, gens.Replace(list[i+1]))
	}
	return d.table("/Root 1 65534 R" + usualTrailer).bytes()
}

// intoItself has an object stream that the cross-reference places inside itself.
func intoItself() []byte {
	d := newDoc(header).obj(pairs("1", "")...).pack(11, "", "1", usual[1])
	d.places[11] = place{2, 11, 0}
	return d.xrefStream(12, "").bytes()
}

// loop is two sections of which the second has a Prev of choice.
func loop(prev func(first, second int) int) []byte {
	d := newDoc(header).obj(pairs()...).table(usualTrailer)
	first := d.prev
	d.obj("9", usual[9])
	return d.table(fmt.Sprintf("/Prev %d%s", prev(first, d.here()), usualTrailer)).bytes()
}

// circle is two sections of which each names the other as the one before.
func circle() []byte {
	const room = "/Prev 0000000000"
	d := newDoc(header).obj(pairs()...).table(room+usualTrailer).obj("9", usual[9]).table(usualTrailer)
	return bytes.Replace(d.bytes(), []byte(room), fmt.Appendf(nil, "/Prev %010d", d.prev), 1)
}
