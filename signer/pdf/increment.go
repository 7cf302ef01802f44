package pdf

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
)

// Increment is a written update: bytes that follow the original file. It can
// be stored and joined with the original later.
type Increment struct {
	Base  int64  `json:"base"` // length of the original file
	Bytes []byte `json:"bytes"`
	// Signature tells the places of the update's signature, nil when there is
	// none. Its ByteRange is filled in already.
	Signature *Placeholder `json:"signature,omitempty"`
}

// Placeholder is the room of a signature. Spans are absolute.
type Placeholder struct {
	Ref       Ref      `json:"ref"`
	Contents  Span     `json:"contents"` // with the brackets < and >
	Range     Span     `json:"range"`    // the ByteRange array
	ByteRange [4]int64 `json:"byte_range"`
}

// Room returns how many bytes of Contents there is room for.
func (p *Placeholder) Room() int { return int(p.Contents.Len()-2) / 2 }

// Size returns the length of the updated file.
func (inc *Increment) Size() int64 { return inc.Base + int64(len(inc.Bytes)) }

// Fill writes a DER signature into the Contents; room left over is zero.
func (inc *Increment) Fill(der []byte) error {
	p := inc.Signature
	if p == nil {
		return refuse(TypeMismatch, "the update has no signature")
	}
	if len(der) > p.Room() {
		return refuse(TooLarge, "signature of %d bytes where %d have room", len(der), p.Room())
	}
	room := inc.Bytes[p.Contents.Start-inc.Base+1 : p.Contents.End-inc.Base-1]
	n := hex.Encode(room, der)
	for i := n; i < len(room); i++ {
		room[i] = '0'
	}
	return nil
}

// Signed returns a reader of the bytes that the ByteRange covers; src is the
// original file.
func (inc *Increment) Signed(src io.ReaderAt) io.Reader {
	p := inc.Signature
	return io.MultiReader(io.NewSectionReader(src, 0, inc.Base),
		bytes.NewReader(inc.Bytes[:p.Contents.Start-inc.Base]),
		bytes.NewReader(inc.Bytes[p.Contents.End-inc.Base:]))
}

// WriteFile streams the original and the update to w.
func (inc *Increment) WriteFile(w io.Writer, src io.ReaderAt) error {
	n, err := io.Copy(w, io.NewSectionReader(src, 0, inc.Base))
	if err != nil {
		return fmt.Errorf("copy original file: %w", err)
	}
	if n != inc.Base {
		return refuse(InputChanged, "the original file got shorter while it was copied")
	}
	if _, err := w.Write(inc.Bytes); err != nil {
		return fmt.Errorf("write update: %w", err)
	}
	return nil
}
