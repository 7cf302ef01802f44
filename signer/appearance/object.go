package appearance

import (
	"bytes"
	"fmt"
)

// Names of the calibrated colour spaces, and the spaces themselves: sRGB's
// white point and primaries (ISO 32000-1, Section 8.6.5). They need no ICC
// profile and fit any output intent.
const (
	grayName = "CSg"
	calGray  = "[/CalGray << /WhitePoint [0.9505 1 1.089] /Gamma 2.2 >>]"
	calRGB   = "[/CalRGB << /WhitePoint [0.9505 1 1.089] /Gamma [2.2 2.2 2.2] " +
		"/Matrix [0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505] >>]"
)

// An Object is one indirect object of a form. With a nil Stream, Dict is the
// whole object; else it is the stream's dictionary without /Length, and
// Stream the bytes as they are stored (the dictionary names their filter).
//
// The only strings in any Dict are Registry and Ordering of a CIDFont's
// CIDSystemInfo; a writer to an encrypted file encrypts them and all streams.
type Object struct {
	Dict   []byte
	Stream []byte
}

// Objects returns the form as indirect objects numbered first, first+1, …,
// generation 0. The first of them is the form XObject itself, for /AP's /N.
func (f *Form) Objects(first int) ([]Object, error) {
	o := objects{first: first, list: make([]Object, 1)}
	var fonts, images bytes.Buffer
	for _, font := range f.Fonts {
		n, err := o.font(font)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&fonts, " /%s %d 0 R", font.Resource, n)
	}
	for _, img := range f.Images {
		fmt.Fprintf(&images, " /%s %d 0 R", img.Resource, o.image(img))
	}

	var d bytes.Buffer
	fmt.Fprintf(&d, "<< /Type /XObject /Subtype /Form /FormType 1 /BBox %s", array(f.BBox[:]))
	if f.Matrix != (Matrix{}) {
		fmt.Fprintf(&d, " /Matrix %s", array(f.Matrix[:]))
	}
	d.WriteString(" /Resources <<")
	if fonts.Len() > 0 {
		fmt.Fprintf(&d, " /Font <<%s >>", fonts.Bytes())
		if f.Target != Plain {
			fmt.Fprintf(&d, " /ColorSpace << /%s %s >>", grayName, calGray)
		}
	}
	if images.Len() > 0 {
		fmt.Fprintf(&d, " /XObject <<%s >>", images.Bytes())
	}
	d.WriteString(" >> >>")
	content := f.Content
	if content == nil {
		content = []byte{} // a stream all the same, if an empty one
	}
	o.list[0] = Object{Dict: d.Bytes(), Stream: content}
	return o.list, nil
}

// objects collects what a form needs behind itself.
type objects struct {
	first int
	list  []Object
	z     deflater
}

// add appends an object and returns its number.
func (o *objects) add(stream []byte, format string, args ...any) int {
	o.list = append(o.list, Object{Dict: fmt.Appendf(nil, format, args...), Stream: stream})
	return o.first + len(o.list) - 1
}

// flate adds a stream of data with further entries in its dictionary.
func (o *objects) flate(data []byte, entries string) (int, error) {
	z, err := o.z.flate(data)
	if err != nil {
		return 0, err
	}
	return o.add(z, "<< /Filter /FlateDecode%s >>", entries), nil
}

// font adds the six objects of a Type0 font and returns the number of the
// Type0 dictionary (ISO 32000-1, Section 9.7.6).
func (o *objects) font(f Font) (int, error) {
	file, err := o.flate(f.File, fmt.Sprintf(" /Length1 %d", len(f.File)))
	if err != nil {
		return 0, err
	}
	unicode, err := o.flate(f.ToUnicode, "")
	if err != nil {
		return 0, err
	}
	cids := o.add(f.CIDSet, "<< >>")
	descriptor := o.add(nil, "<< /Type /FontDescriptor /FontName /%s /Flags %d "+
		"/FontBBox [%d %d %d %d] /ItalicAngle %s /Ascent %d /Descent %d /CapHeight %d "+
		"/StemV %d /FontFile2 %d 0 R /CIDSet %d 0 R >>",
		f.BaseFont, f.Flags, f.BBox[0], f.BBox[1], f.BBox[2], f.BBox[3], num(f.ItalicAngle),
		f.Ascent, f.Descent, f.CapHeight, f.StemV, file, cids)
	var widths bytes.Buffer
	for i, w := range f.Widths {
		if i > 0 {
			widths.WriteByte(' ')
		}
		fmt.Fprint(&widths, w)
	}
	cid := o.add(nil, "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s "+
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "+
		"/FontDescriptor %d 0 R /DW 1000 /W [0 [%s]] /CIDToGIDMap /Identity >>",
		f.BaseFont, descriptor, widths.Bytes())
	return o.add(nil, "<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H "+
		"/DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>", f.BaseFont, cid, unicode), nil
}

// image adds a picture and its mask and returns the picture's number.
func (o *objects) image(i Image) int {
	space := "/DeviceRGB"
	if i.Target != Plain {
		space = calRGB
	}
	size := fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /Filter /FlateDecode", i.Width, i.Height)
	mask := ""
	switch {
	case i.Mask != nil && i.Stencil:
		mask = fmt.Sprintf(" /Mask %d 0 R", o.add(i.Mask, "<< %s /ImageMask true /BitsPerComponent 1 >>", size))
	case i.Mask != nil:
		mask = fmt.Sprintf(" /SMask %d 0 R", o.add(i.Mask, "<< %s /ColorSpace /DeviceGray /BitsPerComponent 8 >>", size))
	}
	return o.add(i.RGB, "<< %s /ColorSpace %s /BitsPerComponent 8%s >>", size, space, mask)
}

func array(v []float64) string {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, x := range v {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(num(x))
	}
	b.WriteByte(']')
	return b.String()
}
