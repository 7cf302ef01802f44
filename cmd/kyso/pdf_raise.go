package main

import (
	"encoding/json"
	"flag"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/safehttp"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer"
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
	repaired string // what was wrong with the input; "" when nothing was repaired
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
		// Repaired says that what was signed is not the file as it came.
		Repaired bool   `json:"repaired,omitempty"`
		Damage   string `json:"damage,omitempty"`
	}{result.Field.Name, result.Level, result.Bytes, float64(time.Since(r.started).Microseconds()) / 1000, max(peakRSS()-r.base, 0), r.repaired != "", r.repaired}
	return json.NewEncoder(e.stdout).Encode(line)
}
