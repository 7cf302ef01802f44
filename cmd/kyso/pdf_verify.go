package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/safehttp"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer/validate"
)

// Limits of what the command takes from outside.
const (
	maxTrustFile    = 4 << 20
	maxRevocation   = 32 << 20
	maxFetched      = 8 << 20
	fetchTime       = 4 * time.Second
	verifyUsageText = "kyso pdf verify [--trust FILE|DIR]… [--at RFC3339] [--offline] [--allow-net HOST…] [--crl F…] [--ocsp F…] [--lang vi|en] FILE|DIR…"
)

// Exit codes of pdf verify. With several files the gravest counts, in the order of this list.
var verifyExits = []struct {
	verdict validate.Verdict
	code    int
}{
	{validate.VerdictFailed, 1},
	{validate.VerdictRefused, 3},
	{validate.VerdictIndeterminate, 2},
	{validate.VerdictNoSignature, 4},
}

// verifyFlags is what the command line says.
type verifyFlags struct {
	trust, allow, crls, ocsps, files []string
	at                               time.Time
	offline                          bool
	lang                             string
	passwordFile                     string
}

// pdfVerify judges files and prints a line of JSON for each.
func pdfVerify(ctx context.Context, e env, args []string) error {
	// 1. What to judge, and against what.
	f, err := parseVerify(e, args)
	if err != nil {
		return err
	}
	o, err := verifyOptions(f)
	if err != nil {
		return err
	}
	files, err := expandPDFs(f.files)
	if err != nil {
		return err
	}
	// 2. One after the other, so that each has all of the limits to itself.
	met := map[validate.Verdict]bool{}
	out := json.NewEncoder(e.stdout)
	out.SetEscapeHTML(false)
	for _, name := range files {
		r, err := verifyFile(ctx, name, o)
		if err != nil {
			return err
		}
		met[r.Verdict] = true
		if err := out.Encode(r); err != nil {
			return err
		}
		fmt.Fprintf(e.stderr, "%s: %s\n", name, r.Words(f.lang))
		for _, s := range r.Signatures {
			fmt.Fprintf(e.stderr, "  %s: %s%s\n", s.Field, s.Indication.Words(f.lang), firstWords(s.Reasons, f.lang))
		}
	}
	// 3. The gravest.
	for _, x := range verifyExits {
		if met[x.verdict] {
			return exitError{code: x.code}
		}
	}
	return nil
}

// firstWords are the first reason in lang.
func firstWords(reasons []validate.Reason, lang string) string {
	if len(reasons) == 0 {
		return ""
	}
	if lang == validate.English {
		return ". " + reasons[0].EN
	}
	return ". " + reasons[0].VI
}

// parseVerify reads flags, which may stand before and between the files. A flag that may be
// repeated may also be followed by several values at once: a word behind it is one more of
// them unless it is a folder or a PDF file.
func parseVerify(e env, args []string) (*verifyFlags, error) {
	out := &verifyFlags{}
	f := newFlags(e, "pdf verify")
	var open *words // the list that the next word may belong to
	list := func(to *[]string) func(string) error {
		return func(s string) error { *to = append(*to, s); open = (*words)(to); return nil }
	}
	f.Func("trust", "`FILE or DIR` of trust anchors, PEM or DER; may be repeated", list(&out.trust))
	f.Func("allow-net", "`HOST`, address or network that may be asked although it is loopback or private; may be repeated", list(&out.allow))
	f.Func("crl", "`FILE` with a CRL, PEM or DER; may be repeated", list(&out.crls))
	f.Func("ocsp", "`FILE` with an OCSP response, DER; may be repeated", list(&out.ocsps))
	f.BoolVar(&out.offline, "offline", false, "fetch nothing")
	f.StringVar(&out.lang, "lang", validate.Vietnamese, "language of the words on stderr, vi or en")
	f.StringVar(&out.passwordFile, "password-file", "", "`FILE` that holds the password of encrypted files")
	at := f.String("at", "", "judge for this `TIME`, RFC 3339")
	for rest := args; ; {
		open = nil
		before := len(rest)
		if err := parse(f, rest, -1); err != nil {
			return nil, err
		}
		if rest = f.Args(); len(rest) == 0 {
			break
		}
		if len(rest) == before {
			open = nil // no flag stood before this word
		}
		for len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			if open != nil && !isDocument(rest[0]) {
				*open = append(*open, rest[0])
			} else {
				out.files, open = append(out.files, rest[0]), nil
			}
			rest = rest[1:]
		}
	}
	if len(out.files) == 0 {
		return nil, usageError("%s", verifyUsageText)
	}
	if *at != "" {
		var err error
		if out.at, err = time.Parse(time.RFC3339, *at); err != nil {
			return nil, usageError("--at is a time such as 2026-01-05T09:30:00+07:00")
		}
	}
	if out.lang != validate.Vietnamese && out.lang != validate.English {
		return nil, usageError("--lang is vi or en")
	}
	return out, nil
}

// isDocument reports whether a word is more likely a file to judge than one more value.
func isDocument(word string) bool {
	if strings.EqualFold(filepath.Ext(word), ".pdf") {
		return true
	}
	f, err := os.Open(word)
	if err != nil {
		return false
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return true
	}
	head := make([]byte, 1024)
	n, _ := f.Read(head)
	return bytes.Contains(head[:n], []byte("%PDF-"))
}

func verifyOptions(f *verifyFlags) (validate.Options, error) {
	o := validate.Options{At: f.at}
	var err error
	if o.Anchors, err = readTrust(f.trust); err != nil {
		return o, err
	}
	if o.CRLs, err = readEvidence(f.crls); err != nil {
		return o, err
	}
	if o.OCSPs, err = readEvidence(f.ocsps); err != nil {
		return o, err
	}
	if f.passwordFile != "" {
		b, err := readLimited(f.passwordFile, 4096)
		if err != nil {
			return o, err
		}
		o.Password = strings.TrimRight(string(b), "\r\n")
	}
	if f.offline {
		return o, nil
	}
	client, err := safehttp.New(safehttp.Options{Allow: f.allow, Timeout: fetchTime, DialTimeout: fetchTime / 2, MaxBodyBytes: maxFetched})
	if err != nil {
		return o, usageError("--allow-net: %v", err)
	}
	o.Fetcher = &path.HTTPFetcher{Client: client, Timeout: fetchTime, MaxCRL: maxFetched}
	return o, nil
}

// verifyFile judges one file; one that can't be opened is refused like one that can't be read.
func verifyFile(ctx context.Context, name string, o validate.Options) (*validate.Report, error) {
	o.Name = name
	f, err := os.Open(name)
	if err != nil {
		return validate.Unreadable(name), nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return validate.Unreadable(name), nil
	}
	return validate.File(ctx, f, info.Size(), o)
}

// expandPDFs replaces folders by the PDF files in them, sorted.
func expandPDFs(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			out = append(out, name)
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, usageError("%s: the folder can't be read", name)
		}
		for _, entry := range entries {
			if !entry.IsDir() && strings.EqualFold(filepath.Ext(entry.Name()), ".pdf") {
				out = append(out, filepath.Join(name, entry.Name()))
			}
		}
	}
	if len(out) == 0 {
		return nil, usageError("there is no PDF file in %s", strings.Join(slices.Clone(names), ", "))
	}
	return out, nil
}
