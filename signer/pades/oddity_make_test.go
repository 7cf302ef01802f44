package pades_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// doc is a PDF file that is written byte by byte, in any structure.
type doc struct {
	b    bytes.Buffer
	base int // what offsets don't count
	// Of the section that is being written.
	places map[int]place
	prev   int // offset of the last section, -1 for none
	size   int
}

// place is a cross-reference entry: type and its two fields.
type place [3]int

func newDoc(header string) *doc {
	d := &doc{places: map[int]place{}, prev: -1}
	d.b.WriteString(header)
	return d
}

const header = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"

func (d *doc) here() int { return d.b.Len() - d.base }

// obj writes objects: number and body by turns; the number may carry a generation, "5 3".
func (d *doc) obj(pairs ...string) *doc {
	for i := 0; i < len(pairs); i += 2 {
		var n, gen int
		_, _ = fmt.Sscan(pairs[i], &n, &gen) // a missing generation is 0
		d.places[n] = place{1, d.here(), gen}
		fmt.Fprintf(&d.b, "%d %d obj\n%s\nendobj\n", n, gen, pairs[i+1])
	}
	return d
}

func itoa(n int) string { return fmt.Sprint(n) }

func stream(dict, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(data), data)
}

func deflated(data string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(data)) // to memory
	_ = w.Close()
	return b.String()
}

// pack writes objects into object stream n; extra is for its dictionary.
func (d *doc) pack(n int, extra string, pairs ...string) *doc {
	var head, body strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		var num int
		_, _ = fmt.Sscan(pairs[i], &num)
		fmt.Fprintf(&head, "%d %d ", num, body.Len())
		body.WriteString(pairs[i+1] + "\n")
		d.places[num] = place{2, n, i / 2}
	}
	dict := fmt.Sprintf("/Type/ObjStm/N %d/First %d/Filter/FlateDecode%s", len(pairs)/2, head.Len(), extra)
	return d.obj(fmt.Sprint(n), stream(dict, deflated(head.String()+body.String())))
}

// numbers are the objects of the section, and the highest number ever seen decides its size.
func (d *doc) numbers() []int {
	nums := slices.Sorted(maps.Keys(d.places))
	d.size = max(d.size, nums[len(nums)-1]+1)
	return nums
}

// tableAt writes a cross-reference table of the section's plain objects and returns its offset.
func (d *doc) tableAt(shift int) int {
	at := d.here()
	nums := d.numbers()
	d.b.WriteString("xref\n")
	if d.prev < 0 && d.places[0] == (place{}) {
		nums = append([]int{0}, nums...)
		d.places[0] = place{0, 0, 65535}
	}
	for i := 0; i < len(nums); {
		j := i + 1
		for j < len(nums) && nums[j] == nums[j-1]+1 {
			j++
		}
		fmt.Fprintf(&d.b, "%d %d\n", nums[i]+shift, j-i)
		for _, n := range nums[i:j] {
			switch p := d.places[n]; p[0] {
			case 1:
				fmt.Fprintf(&d.b, "%010d %05d n \n", p[1], p[2])
			case 0:
				fmt.Fprintf(&d.b, "%010d %05d f \n", p[1], p[2])
			default: // hidden from readers that know no streams
				fmt.Fprintf(&d.b, "%010d %05d f \n", 0, 65535)
			}
		}
		i = j
	}
	return at
}

// trailerOf adds what the section needs to know; an entry that is there wins.
func (d *doc) trailerOf(extra string) string {
	if !strings.Contains(extra, "/Size") {
		extra += fmt.Sprintf("/Size %d", d.size)
	}
	if !strings.Contains(extra, "/Root") {
		extra += "/Root 1 0 R"
	}
	if d.prev >= 0 && !strings.Contains(extra, "/Prev") {
		extra += fmt.Sprintf("/Prev %d", d.prev)
	}
	return extra
}

// table ends the section with a cross-reference table.
func (d *doc) table(trailer string) *doc {
	at := d.tableAt(0)
	fmt.Fprintf(&d.b, "trailer\n<<%s>>\n", d.trailerOf(trailer))
	return d.end(at)
}

// end writes startxref and begins a new section.
func (d *doc) end(at int) *doc {
	fmt.Fprintf(&d.b, "startxref\n%d\n%%%%EOF\n", at)
	d.prev, d.places = at, map[int]place{}
	return d
}

// streamAt writes a cross-reference stream as object n and returns its offset.
func (d *doc) streamAt(n int, trailer string) int {
	at := d.here()
	d.places[n] = place{1, at, 0}
	if d.prev < 0 {
		d.places[0] = place{0, 0, 65535}
	}
	var rows []byte
	var index strings.Builder
	for _, num := range d.numbers() {
		p := d.places[num]
		rows = binary.BigEndian.AppendUint32(append(rows, byte(p[0])), uint32(p[1]))
		rows = binary.BigEndian.AppendUint16(rows, uint16(p[2]))
		fmt.Fprintf(&index, "%d 1 ", num)
	}
	fmt.Fprintf(&d.b, "%d 0 obj\n%s\nendobj\n", n,
		stream("/Type/XRef/W[1 4 2]/Index["+index.String()+"]/Filter/FlateDecode"+trailer, deflated(string(rows))))
	return at
}

// xrefStream ends the section with a cross-reference stream.
func (d *doc) xrefStream(n int, trailer string) *doc {
	d.size = max(d.size, n+1)
	d.numbers()
	return d.end(d.streamAt(n, d.trailerOf(trailer)))
}

// hybrid ends the section with a table and, for what is hidden from it, a stream.
func (d *doc) hybrid(n int, trailer string) *doc {
	at := d.streamAt(n, fmt.Sprintf("/Size %d", n+1))
	table := d.tableAt(0)
	fmt.Fprintf(&d.b, "trailer\n<<%s/XRefStm %d>>\n", d.trailerOf(trailer), at)
	return d.end(table)
}

func (d *doc) bytes() []byte { return bytes.Clone(d.b.Bytes()) }

const text = "BT /F1 12 Tf 72 700 Td (Hello) Tj ET"

// Bodies of the usual objects; a row replaces those it is about.
var usual = map[int]string{
	1: "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>",
	2: "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]>>",
	3: "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>/Annots[7 0 R]>>",
	4: stream("", text),
	5: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
	6: "<</Fields[7 0 R]/DA(/F1 0 Tf 0 g)/DR<</Font<</F1 5 0 R>>>>>>",
	7: "<</Type/Annot/Subtype/Widget/FT/Tx/T(number)/V(12)/Rect[10 10 100 30]/P 3 0 R/F 4/AP<</N 8 0 R>>/DA(/F1 0 Tf 0 g)>>",
	8: stream("/Type/XObject/Subtype/Form/BBox[0 0 90 20]", "/Tx BMC EMC"),
	9: "<</Title(T\\(est\\))/Producer(by hand)>>",
}

const usualTrailer = "/Info 9 0 R/ID[<0102><0304>]/Unknown[1 2]"

// pairs are the usual objects with some replaced, in order, but without those named by "".
func pairs(change ...string) []string {
	all := maps.Clone(usual)
	for i := 0; i < len(change); i += 2 {
		var n int
		_, _ = fmt.Sscan(change[i], &n)
		all[n] = change[i+1]
	}
	var out []string
	for _, n := range slices.Sorted(maps.Keys(all)) {
		if all[n] != "" {
			out = append(out, fmt.Sprint(n), all[n])
		}
	}
	return out
}

// plain is a file with a table and some of the usual objects replaced.
func plain(change ...string) []byte {
	return newDoc(header).obj(pairs(change...)...).table(usualTrailer).bytes()
}
