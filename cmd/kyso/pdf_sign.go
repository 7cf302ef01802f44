package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/safehttp"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
)

// words is a flag that may be given more than once.
type words []string

func (w *words) String() string     { return strings.Join(*w, " ") }
func (w *words) Set(s string) error { *w = append(*w, s); return nil }

// raiseFlags are those that kyso pdf sign and kyso pdf augment share.
type raiseFlags struct {
	in, out, level, passwordFile        string
	tsa, allowNet, crls, ocsps, anchors words
	chain                               string
	// Filled by open.
	parsed   signer.Level
	password string
	source   *pades.File
	output   *output
	started  time.Time
	base     int64 // resident memory before the work
}

func (r *raiseFlags) define(f *flag.FlagSet, level string) {
	f.StringVar(&r.in, "in", "", "the PDF `file`")
	f.StringVar(&r.out, "out", "", "the `file` to write; may be the same")
	f.StringVar(&r.level, "level", level, "B-B, B-T, B-LT or B-LTA")
	f.Var(&r.tsa, "tsa", "`URL` of a time-stamp authority; more than one are asked in order")
	f.Var(&r.allowNet, "allow-net", "`HOST`, address or network that may be asked although it is loopback or private")
	f.Var(&r.crls, "crl", "`file` with a CRL")
	f.Var(&r.ocsps, "ocsp", "`file` with an OCSP response")
	f.StringVar(&r.chain, "chain", "", "PEM `file` with the CA certificates")
	f.Var(&r.anchors, "trust", "PEM `file` with trust anchors; without, every self-signed CA at hand is one")
	f.StringVar(&r.passwordFile, "password-file", "", "`file` with the password of an encrypted PDF")
}

// listFlags may be followed by several values at once.
var listFlags = []string{"tsa", "allow-net", "crl", "ocsp", "trust"}

// spread repeats a list flag before each of its values: --crl A B becomes --crl A --crl B.
func spread(args []string) []string {
	var out []string
	list := ""
	for _, a := range args {
		name := strings.TrimLeft(a, "-")
		switch {
		case len(a) > 1 && a[0] == '-':
			list = ""
			if slices.Contains(listFlags, name) {
				list = a
				continue
			}
		case list != "":
			out = append(out, list)
		}
		out = append(out, a)
	}
	return out
}

// open checks the flags and opens input and output. What it opened is closed by close.
func (r *raiseFlags) open(args []string, f *flag.FlagSet) error {
	r.started, r.base = time.Now(), peakRSS()
	if err := parse(f, spread(args), 0); err != nil {
		return err
	}
	var err error
	if r.parsed, err = signer.ParseLevel(r.level); err != nil {
		return err
	}
	if r.in == "" || r.out == "" {
		return usageError("%s: --in and --out are required", f.Name())
	}
	if r.passwordFile != "" {
		data, err := readSmall(r.passwordFile, 4096)
		if err != nil {
			return err
		}
		r.password = strings.TrimRight(string(data), "\r\n")
	}
	r.source, err = pades.OpenFile(r.in)
	return err
}

// create makes the output, when nothing but the work itself can fail any more.
func (r *raiseFlags) create() error {
	var err error
	r.output, err = createOutput(r.out)
	return err
}

func (r *raiseFlags) close() {
	if r.output != nil {
		r.output.discard()
	}
	if r.source != nil {
		_ = r.source.Close()
	}
}

// options say where time-stamps and validation data come from.
func (r *raiseFlags) options() (pades.AugmentOptions, error) {
	o := pades.AugmentOptions{Password: r.password}
	var err error
	if o.CRLs, err = readDER(r.crls); err != nil {
		return o, err
	}
	if o.OCSPs, err = readDER(r.ocsps); err != nil {
		return o, err
	}
	if r.chain != "" {
		if o.Certificates, err = readCertificates(r.chain); err != nil {
			return o, err
		}
	}
	for _, file := range r.anchors {
		certs, err := readCertificates(file)
		if err != nil {
			return o, err
		}
		o.Anchors = append(o.Anchors, path.AnchorList{Name: filepath.Base(file), Certificates: certs})
	}
	client, err := safehttp.New(safehttp.Options{Allow: r.allowNet})
	if err != nil {
		return o, usageError("--allow-net: %v", err)
	}
	o.Fetcher = &path.HTTPFetcher{Client: client}
	if len(r.tsa) == 0 {
		return o, nil
	}
	// Whoever calls the command chose the authority: its address is no stranger's.
	allow := slices.Clone(r.allowNet)
	for _, raw := range r.tsa {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			return o, usageError("--tsa: not the address of a server")
		}
		allow = append(allow, u.Hostname())
	}
	client, err = safehttp.New(safehttp.Options{Allow: allow, Timeout: 2 * time.Minute})
	if err != nil {
		return o, usageError("--tsa: %v", err)
	}
	o.TSA = &tsa.Client{URLs: r.tsa, HTTP: client, Timeout: 2 * time.Minute}
	return o, nil
}

// done puts the output into its place and prints what was made.
func (r *raiseFlags) done(e env, result signer.Result, work error) error {
	if work != nil {
		return inputError(work)
	}
	if err := r.output.commit(); err != nil {
		return inputError(err)
	}
	line := struct {
		Field string       `json:"field"`
		Level signer.Level `json:"level"`
		Bytes int64        `json:"bytes"`
		MS    float64      `json:"ms"`
		RSS   int64        `json:"rss_kb"`
	}{result.Field.Name, result.Level, result.Bytes, float64(time.Since(r.started).Microseconds()) / 1000, max(peakRSS()-r.base, 0)}
	return json.NewEncoder(e.stdout).Encode(line)
}

// vietnam is the zone of the times that are written, whatever the server's.
var vietnam = time.FixedZone("+07", 7*60*60)

// signFlags are those of kyso pdf sign alone.
type signFlags struct {
	raiseFlags
	key, cert, appearance, active string
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
	// 3. How it looks.
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
