package main

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
)

var errDiskFull = errs.New(errs.Unavailable, "disk_full",
	"Không đủ chỗ trên đĩa cho tệp kết quả.", "There is no room on the disk for the output")

// output is a file that appears under its name only when it is complete: written beside it
// under another name, flushed to the disk, and renamed.
type output struct {
	*os.File
	path string
}

func createOutput(path string) (*output, error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, usageError("--out %s: there is something that is no file", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".kyso-*.tmp")
	if err != nil {
		return nil, err
	}
	return &output{File: f, path: path}, nil
}

// commit puts the file into its place.
func (o *output) commit() error {
	if err := o.Chmod(0o666 &^ umask()); err != nil {
		return err
	}
	if err := o.Sync(); err != nil {
		return err
	}
	if err := o.Close(); err != nil {
		return err
	}
	if err := os.Rename(o.Name(), o.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(o.path))
}

// discard removes what was written; after commit it does nothing.
func (o *output) discard() {
	_ = o.Close()
	_ = os.Remove(o.Name())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // some file systems can't
	}
	return errors.Join(err, d.Close())
}

// umask is the process's, which can't be read without being set but here (Linux 4.7).
func umask() os.FileMode {
	n, err := strconv.ParseUint(procStatus("Umask"), 8, 32)
	if err != nil {
		return 0o077
	}
	return os.FileMode(n) & 0o777
}

// peakRSS is the peak resident memory of this process in kilobytes, 0 when it can't be known.
// (getrusage would count that of the process that started this one.)
func peakRSS() int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(procStatus("VmHWM"), " kB"), 10, 64)
	return n
}

// procStatus is a line of /proc/self/status.
func procStatus(name string) string {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		if value, ok := strings.CutPrefix(s.Text(), name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// refusal is what to tell people about a code, and the exit code: 2 for the input's fault.
type refusal struct {
	exit   int
	vi, en string
}

// refusals are the codes of signer and pades. Codes of signer/pdf that are not among them are
// of damaged files.
var refusals = map[string]refusal{
	signer.CodeFieldUnknown:       {2, "Tệp không có ô chữ ký mang tên đã cho.", "The file has no such field"},
	signer.CodeFieldSigned:        {2, "Ô chữ ký này đã được ký.", "The field is signed already"},
	signer.CodeFieldNotSig:        {2, "Ô đã cho không phải là ô chữ ký.", "The field is not a signature field"},
	signer.CodeDocMDPForbids:      {2, "Chữ ký chứng nhận trong tệp không cho phép thay đổi này.", "A certification in the file forbids this change"},
	signer.CodeFieldLocked:        {2, "Ô này đã bị khoá bởi một chữ ký trước.", "An earlier signature locks the field"},
	signer.CodeActiveContent:      {2, "Tệp có nội dung tự chạy (mã lệnh, mở chương trình, gửi dữ liệu), nên không được ký.", "The file has active content and is not signed"},
	signer.CodeXFA:                {2, "Tệp dùng biểu mẫu XFA, không ký được.", "The file has an XFA form and can't be signed"},
	signer.CodeCMSTooLarge:        {2, "Chữ ký lớn hơn chỗ đã dành.", "The signature is larger than the room reserved for it"},
	signer.CodeInputChanged:       {2, "Tệp bị thay đổi trong lúc đang được ký.", "The file changed while it was read"},
	signer.CodeSeedValue:          {2, "Ô chữ ký đòi hỏi điều mà chữ ký này không có.", "The field demands what this signature does not have"},
	pades.CodeNotSigned:           {2, "Tệp chưa có chữ ký nào.", "The file has no signature"},
	pades.CodeUnreadable:          {2, "Một chữ ký trong tệp không đọc được.", "A signature in the file can't be read"},
	pades.CodePageUnknown:         {2, "Tệp không có trang đã cho.", "The file has no such page"},
	string(pdf.EncryptedPassword): {2, "Tệp được mã hoá và mật khẩu không đúng.", "The file is encrypted and the password is wrong or missing"},
	string(pdf.PublicKeySecurity): {2, "Tệp được mã hoá cho chứng thư của người khác, không ký được.", "The file is encrypted for certificates and can't be signed"},
	string(pdf.NotPDF):            {2, "Tệp không phải là PDF.", "The file is not a PDF"},

	pades.CodeKeyMismatch:            {1, "Khoá bí mật không phải của chứng thư này.", "The key is not that of the certificate"},
	pades.CodeExpired:                {1, "Chứng thư chưa có hiệu lực hoặc đã hết hạn.", "The certificate is not valid yet or has expired"},
	pades.CodeDataTooLarge:           {1, "Dữ liệu kiểm tra (CRL, OCSP) quá lớn để đưa vào tệp.", "There is more validation data than may be embedded"},
	string(path.ErrRevoked):          {1, "Một chứng thư đã bị thu hồi hoặc tạm dừng.", "A certificate is revoked or on hold"},
	string(path.ErrUnknown):          {1, "Không lấy được CRL hoặc OCSP cho mọi chứng thư. Có thể ký ở mức thấp hơn rồi nâng mức sau.", "The status of a certificate can't be had; the file can be signed at a lower level and raised later"},
	string(path.ErrNoAnchor):         {1, "Không tìm được đường dẫn tới chứng thư gốc; hãy chỉ định --chain hoặc --trust.", "No path leads to a root certificate; see --chain and --trust"},
	string(path.ErrEvidenceTooLarge): {1, "Dữ liệu kiểm tra (CRL, OCSP) quá lớn để đưa vào tệp.", "There is more validation data than may be embedded"},
}

// inputError turns the error of a signing into what the command ends with.
func inputError(err error) error {
	code := signer.CodeOf(err)
	var p *pdf.Error
	switch r, known := refusals[code]; {
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG):
		return exitError{2, errDiskFull.Wrap(err)}
	case code == signer.CodeTSAFailed:
		return stampError(err)
	case known:
		return exitError{r.exit, errs.New(errs.Invalid, code, r.vi, r.en).Wrap(err)}
	case errors.As(err, &p) && p.Reason != pdf.ReadFailed:
		return exitError{2, errs.New(errs.Invalid, code, "Tệp PDF bị hỏng hoặc không đọc được một cách chắc chắn.",
			"The PDF is damaged, or can't be read for certain").Wrap(err)}
	}
	return appearanceError(err)
}

// stampError: an authority that talks nonsense is refused input, one that is silent is not.
func stampError(err error) error {
	out := errs.New(errs.Unavailable, signer.CodeTSAFailed, "Không lấy được dấu thời gian từ máy chủ đã cho. Có thể ký ở mức B-B rồi nâng mức sau.",
		"No time-stamp could be had. The file can be signed at B-B and raised later").Wrap(err)
	if c := tsa.CodeOf(err); c == tsa.ErrTransport || c == tsa.ErrUnavailable || c == tsa.ErrNoURL {
		return out
	}
	return exitError{2, out}
}

// appearanceError gives the errors of signer/appearance a code.
func appearanceError(err error) error {
	var (
		anchor   *appearance.AnchorError
		overflow *appearance.OverflowError
		overlap  *appearance.OverlapError
		size     *appearance.SizeError
		text     *appearance.TextError
		spec     *appearance.SpecError
	)
	code, vi := "", ""
	switch {
	case errors.As(err, &anchor):
		code, vi = "appearance_anchor", "Không tìm thấy chỗ ký theo chức danh và họ tên trên trang."
	case errors.As(err, &overflow):
		code, vi = "appearance_overflow", "Chữ không vừa khung đã cho."
	case errors.As(err, &overlap):
		code, vi = "appearance_overlap", "Con dấu không trùm khoảng một phần ba bên trái hình chữ ký."
	case errors.As(err, &size):
		code, vi = "appearance_size", "Khung không đúng kích thước thật của con dấu."
	case errors.As(err, &text):
		code, vi = "appearance_text", "Có ký tự không vẽ được."
	case errors.Is(err, appearance.ErrOutsidePage), errors.Is(err, appearance.ErrPage), errors.Is(err, appearance.ErrRect):
		code, vi = "appearance_page", "Hình chữ ký không nằm gọn trên trang."
	case errors.As(err, &spec):
		return errs.New(errs.Invalid, "appearance_invalid", "Tệp mô tả hình chữ ký không đúng.", "The appearance file makes no sense").Wrap(err)
	case errors.Is(err, appearance.ErrImageFormat), errors.Is(err, appearance.ErrImageTooLarge), errors.Is(err, appearance.ErrSealNotRound):
		return errs.New(errs.Invalid, "appearance_picture", "Hình chữ ký hoặc con dấu không dùng được.", "The picture can't be used").Wrap(err)
	default:
		return err
	}
	return exitError{2, errs.New(errs.Invalid, code, vi, "The appearance can't be placed in this file").Wrap(err)}
}
