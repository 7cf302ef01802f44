package pdf

import (
	"bufio"
	"compress/flate"
	"errors"
	"io"
)

// reader puts the filter's decoder behind src.
func (f filter) reader(src io.Reader) (io.Reader, error) {
	var out io.Reader
	switch f.name {
	case "FlateDecode", "Fl":
		br := bufio.NewReaderSize(src, 4096)
		head, err := br.Peek(2)
		if err != nil {
			return nil, errors.New("flate data without a header")
		}
		// RFC 1950: compression method 8, header divisible by 31. The checksum
		// at the end is not looked at: many writers leave it out.
		if head[0]&0x0f != 8 || (uint(head[0])<<8|uint(head[1]))%31 != 0 || head[1]&0x20 != 0 {
			return nil, errors.New("flate data with a malformed header")
		}
		if _, err := br.Discard(2); err != nil {
			return nil, err
		}
		out = flate.NewReader(br)
	case "LZWDecode", "LZW":
		out = newLZWReader(src, f.earlyChange)
	case "ASCIIHexDecode", "AHx":
		return &hexReader{src: bufio.NewReader(src)}, nil
	case "ASCII85Decode", "A85":
		return &ascii85Reader{src: bufio.NewReader(src)}, nil
	case "RunLengthDecode", "RL":
		return &runLengthReader{src: bufio.NewReader(src)}, nil
	case "Crypt":
		return src, nil // decryption was done before all filters
	default:
		return nil, refuse(UnsupportedFilter, "filter %s", f.name)
	}
	return f.unpredict(out)
}

// unpredict undoes the predictor (ISO 32000-1, Section 7.4.4.4).
func (f filter) unpredict(src io.Reader) (io.Reader, error) {
	if f.predictor <= 1 {
		return src, nil
	}
	if f.predictor != 2 && (f.predictor < 10 || f.predictor > 15) {
		return nil, refuse(Damaged, "predictor %d", f.predictor)
	}
	if f.colors < 1 || f.colors > 32 || f.columns < 1 || (f.bpc != 1 && f.bpc != 2 && f.bpc != 4 && f.bpc != 8 && f.bpc != 16) {
		return nil, refuse(Damaged, "predictor parameters out of range")
	}
	row := (f.colors*f.bpc*f.columns + 7) / 8
	if row > 1<<20 {
		return nil, refuse(TooLarge, "predictor rows of %d bytes", row)
	}
	return &predictor{
		src: bufio.NewReader(src), png: f.predictor >= 10, colors: f.colors, bpc: f.bpc,
		bpp: max(1, f.colors*f.bpc/8), cur: make([]byte, row), prev: make([]byte, row),
	}, nil
}

type predictor struct {
	src         *bufio.Reader
	png         bool
	colors, bpc int
	bpp         int // bytes a pixel, at least 1
	cur, prev   []byte
	out         []byte // what is left of cur
	err         error
}

func (p *predictor) Read(b []byte) (int, error) {
	if len(p.out) == 0 {
		if p.err == nil {
			p.err = p.row()
		}
		if len(p.out) == 0 {
			return 0, p.err
		}
	}
	n := copy(b, p.out)
	p.out = p.out[n:]
	return n, nil
}

// row decodes one row into out. A last row that is too short is given as far
// as it goes.
func (p *predictor) row() error {
	kind := byte(0)
	if p.png {
		var err error
		if kind, err = p.src.ReadByte(); err != nil {
			return err
		}
		if kind > 4 {
			return errors.New("unknown PNG row filter")
		}
	}
	p.prev, p.cur = p.cur, p.prev
	n, err := io.ReadFull(p.src, p.cur)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	if n == 0 {
		return err
	}
	p.out = p.cur[:n]
	if p.png {
		p.pngRow(kind)
	} else {
		p.tiffRow()
	}
	return err
}

func (p *predictor) pngRow(kind byte) {
	for i := range p.out {
		var left, up, upLeft byte
		up = p.prev[i]
		if i >= p.bpp {
			left, upLeft = p.cur[i-p.bpp], p.prev[i-p.bpp]
		}
		switch kind {
		case 1:
			p.cur[i] += left
		case 2:
			p.cur[i] += up
		case 3:
			p.cur[i] += byte((int(left) + int(up)) / 2)
		case 4:
			p.cur[i] += paeth(left, up, upLeft)
		}
	}
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// tiffRow adds to each component the one to its left.
func (p *predictor) tiffRow() {
	switch p.bpc {
	case 8:
		for i := p.colors; i < len(p.out); i++ {
			p.cur[i] += p.cur[i-p.colors]
		}
	case 16:
		for i := 2 * p.colors; i+1 < len(p.out); i += 2 {
			v := uint16(p.cur[i])<<8 | uint16(p.cur[i+1])
			v += uint16(p.cur[i-2*p.colors])<<8 | uint16(p.cur[i-2*p.colors+1])
			p.cur[i], p.cur[i+1] = byte(v>>8), byte(v)
		}
	default: // components smaller than a byte
		mask := byte(1<<p.bpc - 1)
		per := 8 / p.bpc
		at := func(i int) (int, int) { return i / per, 8 - p.bpc*(i%per+1) }
		for i := p.colors; i < len(p.out)*per; i++ {
			lb, ls := at(i - p.colors)
			cb, cs := at(i)
			v := (p.cur[cb]>>cs + p.cur[lb]>>ls) & mask
			p.cur[cb] = p.cur[cb]&^(mask<<cs) | v<<cs
		}
	}
}
