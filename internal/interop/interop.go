// Package interop asks programs that others wrote whether our PDFs are right: EU DSS, pyHanko, veraPDF, OpenSSL, qpdf and
// poppler. It shares no code with signer, so that an error there can't hide itself here.
package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// packages says which Debian package brings a judge.
var packages = map[string]string{
	"openssl": "openssl", "qpdf": "qpdf", "pdfsig": "poppler-utils", "pdftotext": "poppler-utils", "pdftoppm": "poppler-utils",
	"java": "openjdk-17-jdk-headless", "mvn": "maven", "python3": "python3-venv",
}

// QPDFCheck has qpdf read the whole file. A warning is an error too: what we write must need no lenience. The
// password may be empty.
func QPDFCheck(ctx context.Context, file, password string) error {
	_, err := judge(ctx, "qpdf", "--check", "--password="+password, file)
	return err
}

// Text returns what pdftotext reads on all pages, in reading order; a form feed ends each page.
func Text(ctx context.Context, file string) (string, error) {
	out, err := judge(ctx, "pdftotext", "-enc", "UTF-8", file, "-")
	return string(out), err
}

// Render returns a picture of a page, the first being 1, as pdftoppm paints it, annotations included.
func Render(ctx context.Context, file string, page, dpi int) (image.Image, error) {
	n := strconv.Itoa(page)
	out, err := judge(ctx, "pdftoppm", "-png", "-r", strconv.Itoa(dpi), "-f", n, "-l", n, file)
	if err != nil {
		return nil, err
	}
	picture, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		return nil, fmt.Errorf("page %d of %s: %w", page, file, err)
	}
	return picture, nil
}

// PDFSigReport is what pdfsig says of one signature. It is a judge of mathematics only: it passes files whose
// content was replaced by published attacks.
type PDFSigReport struct {
	Field      string
	Signer     string // common name in the certificate
	SubFilter  string
	Valid      bool // digest and signature value are right
	WholeFile  bool // the signed ranges reach the end of the file
	Conclusion string
}

// PDFSig returns pdfsig's report on each signature, in the order of pdfsig. Chains are not looked at. Fields
// that are not signed are left out; a file without any gives none, and no error.
func PDFSig(ctx context.Context, file string) ([]PDFSigReport, error) {
	out, err := judge(ctx, "pdfsig", "-nocert", file)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 2 && strings.Contains(string(out), "does not contain any signatures") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parsePDFSig(string(out)), nil
}

func parsePDFSig(out string) []PDFSigReport {
	var reports []PDFSigReport
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "Signature #") {
			reports = append(reports, PDFSigReport{})
		}
		if strings.TrimSpace(line) == "The signature form field is not signed." && len(reports) > 0 {
			reports = reports[:len(reports)-1]
		}
		item, ok := strings.CutPrefix(strings.TrimSpace(line), "- ")
		if !ok || len(reports) == 0 {
			continue
		}
		r := &reports[len(reports)-1]
		key, value, _ := strings.Cut(item, ": ")
		switch key {
		case "Signature Field Name":
			r.Field = value
		case "Signer Certificate Common Name":
			r.Signer = value
		case "Signature Type":
			r.SubFilter = value
		case "Signature Validation":
			r.Conclusion, r.Valid = value, value == "Signature is Valid."
		case "Total document signed":
			r.WholeFile = true
		}
	}
	return reports
}

// judge runs a program and returns its standard output. An error holds what the program said.
func judge(ctx context.Context, program string, args ...string) ([]byte, error) {
	return judgeInput(ctx, nil, program, args...)
}

func judgeInput(ctx context.Context, in io.Reader, program string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%w (Debian package %s)", err, packages[program])
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &said
	cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8")
	if err := cmd.Run(); err != nil {
		text := said.String()
		if text == "" && out.Len() < 10_000 {
			text = out.String()
		}
		return out.Bytes(), fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(text))
	}
	return out.Bytes(), nil
}
