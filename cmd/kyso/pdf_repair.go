package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// maxRepair bounds the files that are repaired: the library holds them in memory, several times over.
const maxRepair = 64 << 20

var (
	errRepairSigned = errs.New(errs.Invalid, "repair_signed",
		"Tệp bị hỏng và đã có chữ ký: viết lại sẽ làm mất chữ ký, nên không sửa.",
		"The file is damaged and has a signature, which a repair would destroy")
	errRepairLarge = errs.New(errs.Invalid, "repair_too_large",
		"Tệp bị hỏng và quá lớn để sửa.", "The file is damaged and too large to be repaired")
	errRepairFailed = errs.New(errs.Invalid, "repair_failed",
		"Tệp bị hỏng và không sửa được.", "The file is damaged and can't be repaired")
)

// repairable are the reasons for which a library may know better than our strict reader.
var repairable = []pdf.Code{pdf.Damaged, pdf.Truncated, pdf.XrefMissing, pdf.Loop, pdf.TypeMismatch}

// repair has a library write a damaged file anew, and returns the new one, which is deleted when it is closed, with what
// was wrong. A file that can be read as it is gives nil. Signed and encrypted files are not repaired.
func repair(ctx context.Context, in *pades.File, password string) (repaired *pades.File, damage string, err error) {
	// 1. Is there anything to repair?
	_, broken := pades.Inspect(ctx, in, password)
	var why *pdf.Error
	if !errors.As(broken, &why) || !slices.Contains(repairable, why.Reason) {
		return nil, "", nil // the signing says the rest
	}
	if in.Size() > maxRepair {
		return nil, "", exitError{2, errRepairLarge.Wrap(broken)}
	}
	// 2. What was signed is as it is.
	data := make([]byte, in.Size())
	if _, err := io.ReadFull(io.NewSectionReader(in, 0, in.Size()), data); err != nil {
		return nil, "", err
	}
	if bytes.Contains(data, []byte("/ByteRange")) || bytes.Contains(data, []byte("/DocMDP")) {
		return nil, "", exitError{2, errRepairSigned.Wrap(broken)}
	}
	// 3. Write it anew, and read that as strictly as any other.
	written, err := rewrite(data)
	if err != nil {
		return nil, "", exitError{2, errRepairFailed.Wrap(errors.Join(broken, err))}
	}
	if err := whole(written); err != nil {
		return nil, "", exitError{2, errRepairFailed.Wrap(errors.Join(broken, err))}
	}
	repaired, err = temporary(written)
	return repaired, why.Error(), err
}

// rewrite reads a file leniently and writes what was found.
func rewrite(data []byte) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil { // of the library: the file is a stranger's
			err = fmt.Errorf("rewrite: %v", r)
		}
	}()
	api.DisableConfigDir()
	conf := model.NewDefaultConfiguration()
	conf.ValidationMode = model.ValidationRelaxed
	conf.Offline, conf.Optimize, conf.OptimizeBeforeWriting = true, false, false
	c, err := api.ReadAndValidate(bytes.NewReader(data), conf)
	if err != nil {
		return nil, fmt.Errorf("rewrite: %w", err)
	}
	if c.Encrypt != nil {
		return nil, errors.New("rewrite: the file is encrypted")
	}
	if err := complete(data, c); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := api.WriteContext(c, &b); err != nil {
		return nil, fmt.Errorf("rewrite: %w", err)
	}
	return b.Bytes(), nil
}

// objectHeader is where an object begins.
var objectHeader = regexp.MustCompile(`(?:^|[\r\n])[ \t]*([0-9]{1,10})[ \t]+[0-9]{1,5}[ \t]+obj\b`)

// complete refuses what the library found when the file has objects, or newer ones of the same number, that it did not
// find: it sometimes overlooks whole updates, and a document must not lose what was added to it.
func complete(data []byte, c *model.Context) error {
	places := map[int][]int{}
	for _, m := range objectHeader.FindAllSubmatchIndex(data, -1) {
		if n, err := strconv.Atoi(string(data[m[2]:m[3]])); err == nil {
			places[n] = append(places[n], m[2])
		}
	}
	for n, at := range places {
		e, ok := c.Table[n]
		if ok && e != nil && !e.Free && (e.Compressed || e.Offset != nil && nearest(at, int(*e.Offset)) == len(at)-1) {
			continue
		}
		return fmt.Errorf("rewrite: object %d at byte %d was overlooked", n, at[len(at)-1])
	}
	return nil
}

// nearest is the index of the place nearest to off.
func nearest(places []int, off int) int {
	best := 0
	for i, p := range places {
		if max(p, off)-min(p, off) <= max(places[best], off)-min(places[best], off) {
			best = i
		}
	}
	return best
}

// whole refuses what the library wrote when our reader can't read all of it, or when it refers to objects that it lost.
func whole(data []byte) error {
	r, err := pdf.Open(bytes.NewReader(data), int64(len(data)), pdf.Options{})
	if err != nil {
		return err
	}
	v := r.Last()
	for num, e := range v.Objects() {
		ind, err := v.Load(pdf.Ref{Num: num, Gen: e.Gen})
		if err != nil {
			return err
		}
		if lost, ok := dangling(v, ind.Value); ok {
			return fmt.Errorf("rewrite: object %v was lost", lost)
		}
	}
	return nil
}

// dangling finds a reference to an object that is not there; the parser bounds the depth.
func dangling(v *pdf.View, o pdf.Object) (pdf.Ref, bool) {
	switch x := o.(type) {
	case pdf.Ref:
		e, ok := v.Entry(x.Num)
		return x, !ok || e.Kind == pdf.EntryFree || e.Gen != x.Gen
	case pdf.Array:
		for _, item := range x {
			if ref, ok := dangling(v, item); ok {
				return ref, true
			}
		}
	default:
		if d := pdf.DictOf(o); d != nil {
			for _, e := range d.Entries {
				if ref, ok := dangling(v, e.Value); ok {
					return ref, true
				}
			}
		}
	}
	return pdf.Ref{}, false
}

// temporary puts data into a file without a name.
func temporary(data []byte) (*pades.File, error) {
	f, err := os.CreateTemp("", "kyso-repair-*.pdf")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	opened, err := pades.OpenFile(f.Name())
	return opened, errors.Join(err, os.Remove(f.Name()))
}
