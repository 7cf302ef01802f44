package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
)

// vietnam is the zone of the times that are written, whatever the server's.
var vietnam = time.FixedZone("+07", 7*60*60)

// signFlags are those of kyso pdf sign alone.
type signFlags struct {
	raiseFlags
	key, cert, appearance, active string
	repair                        bool
	o                             pades.Options
}

func pdfSign(ctx context.Context, e env, args []string) error {
	// 1. The words of the command.
	var s signFlags
	f := newFlags(e, "pdf sign")
	s.define(f, signer.LevelB.String())
	f.StringVar(&s.key, "key", "", "the private key: a PEM `file` or a pkcs11: URI")
	f.StringVar(&s.cert, "cert", "", "PEM `file` with the signer's certificate")
	f.StringVar(&s.o.Field, "field", "", "the `name` of an empty signature field; without it a new one is made")
	f.IntVar(&s.o.Certify, "certify", 0, "certify the document and allow `1` nothing, 2 filling forms and signing, 3 annotations too")
	f.StringVar(&s.appearance, "appearance", "", "JSON `file` that says how the signature looks")
	f.StringVar(&s.o.Reason, "reason", "", "why the document is signed")
	f.StringVar(&s.o.Location, "location", "", "where it is signed")
	f.StringVar(&s.o.Name, "name", "", "the signer's name as text")
	f.StringVar(&s.active, "active", "refuse", "what to do about active content: refuse or warn")
	f.BoolVar(&s.repair, "repair", false, "write a damaged file anew if it has no signature, and sign that; the output says so")
	defer s.close()
	if err := s.open(args, f); err != nil {
		return err
	}
	// 2. Key, certificates, authorities.
	if err := s.policy(f); err != nil {
		return err
	}
	key, err := openKey(ctx, e, s.key, s.cert, s.chain)
	if err != nil {
		return err
	}
	defer key.close() //nolint:errcheck // the signature is made by then
	raise, err := s.raiseFlags.options()
	if err != nil {
		return err
	}
	s.o.Certificate, s.o.Chain, s.o.Password, s.o.SigningTime = key.cert, key.chain, s.password, s.started.In(vietnam)
	raise.Certificates = key.chain
	// 3. The file itself, and how the signature looks.
	if err := s.mend(ctx); err != nil {
		return err
	}
	if err := s.dress(); err != nil {
		return inputError(err)
	}
	// 4. The signature.
	if err := s.create(); err != nil {
		return err
	}
	result, err := pades.Sign(ctx, s.source, s.o, key.Signer, s.parsed, raise, s.output)
	return s.done(e, result, err)
}

// mend replaces a damaged input by a repaired one where that is wanted.
func (s *signFlags) mend(ctx context.Context) error {
	if !s.repair {
		return nil
	}
	mended, damage, err := repair(ctx, s.source, s.password)
	if err != nil || mended == nil {
		return err
	}
	s.repaired = damage
	err = s.source.Close()
	s.source = mended
	return err
}

// policy checks the flags that have few values.
func (s *signFlags) policy(f *flag.FlagSet) error {
	switch s.active {
	case "refuse":
		s.o.Active = pades.ActiveRefuse
	case "warn":
		s.o.Active = pades.ActiveWarn
	default:
		return usageError("%s: --active is refuse or warn", f.Name())
	}
	switch {
	case s.key == "":
		return usageError("%s: --key is required", f.Name())
	case s.o.Certify < 0 || s.o.Certify > 3:
		return usageError("%s: --certify is 1, 2 or 3", f.Name())
	case s.parsed >= signer.LevelT && len(s.tsa) == 0:
		return errTSAMissing
	}
	return nil
}

// dress builds the appearance, and with it the place of a new field.
func (s *signFlags) dress() error {
	if s.appearance == "" {
		return nil
	}
	data, err := readSmall(s.appearance, appearance.MaxSpecBytes)
	if err != nil {
		return err
	}
	spec, err := appearance.ParseSpec(data)
	if err != nil {
		return err
	}
	doc, err := pades.Environment(s.source, s.password, s.o.Field)
	if err != nil {
		return err
	}
	folder, err := os.OpenRoot(filepath.Dir(s.appearance))
	if err != nil {
		return err
	}
	defer folder.Close()
	doc.Signed = s.started.In(vietnam)
	doc.Load = func(name string) ([]byte, error) { return loadPicture(folder, name) }
	stamp, err := spec.Build(doc)
	if err != nil {
		return err
	}
	s.o.Appearance, s.o.Page, s.o.Rect = stamp.Form, stamp.Page, stamp.Rect
	return nil
}

// loadPicture reads a picture from the folder of the appearance file, and from nowhere else.
func loadPicture(folder *os.Root, name string) ([]byte, error) {
	f, err := folder.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, errs.New(errs.Invalid, "appearance_picture", "Không đọc được hình chữ ký hoặc con dấu.", "The picture can't be read").Wrap(err)
	}
	data, err := io.ReadAll(io.LimitReader(f, appearance.MaxImageBytes+1))
	return data, errors.Join(err, f.Close())
}
