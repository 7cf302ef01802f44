#!/bin/bash
# Makes the PDFs of testdata from the sources in testdata/src; README.md tells what each is. Run by hand when a
# source changes, and look at the pictures afterwards: the output holds dates and identifiers and is never the same
# twice, so the files are kept in the repository.
#
# Needs the Debian packages libreoffice-writer, chromium, ghostscript, texlive-latex-base, qpdf, poppler-utils,
# fonts-liberation2 and python3-fonttools (or fonttools in the Python that $PYTHON names).
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# 1. Fonts: Liberation Serif from version 2 (1.07 has no Vietnamese), without hints and what we don't write. A page
#    for print needs neither, and the files stay at about 20 kB.
fonts() {
  local weight
  mkdir "$tmp/fonts"
  for weight in Regular Bold Italic BoldItalic; do
    "$python" -m fontTools.subset "/usr/share/fonts/truetype/liberation2/LiberationSerif-$weight.ttf" \
      --unicodes=U+0020-007E,U+00A0-01FF,U+1EA0-1EF9,U+2013,U+2014,U+2018-201D,U+2022,U+2026,U+20AB \
      --no-hinting --glyph-names --layout-features='' --drop-tables+=GSUB,GPOS,GDEF,FFTM \
      --output-file="$tmp/fonts/LiberationSerif-$weight.ttf"
  done
  cat >"$tmp/fonts.conf" <<XML
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>$tmp/fonts</dir><cachedir>$tmp/fontcache</cachedir></fontconfig>
XML
}

# office SOURCE TARGET [OPTION:TYPE=VALUE…]: LibreOffice's PDF export; the form controls become AcroForm fields.
office() {
  local source=$1 target=$2 json='"ExportFormFields":{"type":"boolean","value":"true"}' option
  shift 2
  for option in "$@"; do
    json+=",\"${option%%:*}\":{\"type\":\"$(sed 's/.*:\(.*\)=.*/\1/' <<<"$option")\",\"value\":\"${option##*=}\"}"
  done
  FONTCONFIG_FILE=$tmp/fonts.conf soffice "-env:UserInstallation=file://$tmp/office" --headless \
    --convert-to "pdf:writer_pdf_Export:{$json}" --outdir "$tmp" "src/$source.fodt" >/dev/null 2>&1
  mv "$tmp/$source.pdf" "$target"
}

# 2. The documents of a commune and a department.
documents() {
  mkdir -p pdf
  office to-trinh "$tmp/plain.pdf"
  "$python" src/fields.py "$tmp/plain.pdf" pdf/to-trinh.pdf "PHÓ CHỦ TỊCH" "Nguyễn Thị Ánh Tuyết"
  office quyet-dinh "$tmp/plain.pdf" UseTaggedPDF:boolean=true
  "$python" src/fields.py "$tmp/plain.pdf" pdf/quyet-dinh.pdf "PHÓ CHỦ TỊCH" "Trần Quốc Vượng"
  office cong-van pdf/cong-van.pdf SelectPdfVersion:long=16
  office lich-cong-tac "$tmp/plain.pdf"
  "$python" src/fields.py "$tmp/plain.pdf" pdf/lich-cong-tac.pdf "CHÁNH VĂN PHÒNG" "Lê Ỷ Lan"
  office phu-luc pdf/phu-luc.pdf
}

# 3. Archive and accessibility profiles, of the attachment: it has no form fields, which PDF/A would forbid.
profiles() {
  local part
  mkdir -p pdf/profiles
  for part in 1 2 3; do
    office phu-luc "pdf/profiles/pdfa-${part}b.pdf" "SelectPdfVersion:long=$part"
  done
  office phu-luc pdf/profiles/pdf-ua.pdf PDFUACompliance:boolean=true UseTaggedPDF:boolean=true
}

# 4. The same page by other producers. Ghostscript and Cairo redraw LibreOffice's; Chromium and pdfTeX set the text
#    themselves.
producers() {
  mkdir -p pdf/producers
  gs -q -dNOPAUSE -dBATCH -sDEVICE=pdfwrite -sOutputFile=pdf/producers/ghostscript.pdf pdf/to-trinh.pdf
  pdftocairo -pdf pdf/to-trinh.pdf pdf/producers/cairo.pdf
  FONTCONFIG_FILE=$tmp/fonts.conf chromium --headless --no-sandbox --disable-gpu "--user-data-dir=$tmp/chromium" \
    --no-pdf-header-footer "--print-to-pdf=$PWD/pdf/producers/chromium.pdf" "file://$PWD/src/to-trinh.html" 2>/dev/null
  "$python" src/tex.py src/to-trinh.tex "$tmp"
  (cd "$tmp" && pdftex -interaction=batchmode -halt-on-error to-trinh.tex >/dev/null) || { tail -n 20 "$tmp/to-trinh.log"; exit 1; }
  mv "$tmp/to-trinh.pdf" pdf/producers/pdftex.pdf
}

# 5. The Tờ trình through qpdf. The encrypted ones open without a password, but for the last.
rewritten() {
  mkdir -p pdf/qpdf
  local in=pdf/to-trinh.pdf
  qpdf --linearize $in pdf/qpdf/linearized.pdf
  qpdf --object-streams=generate $in pdf/qpdf/object-streams.pdf
  qpdf --object-streams=generate --linearize $in pdf/qpdf/linearized-object-streams.pdf
  qpdf --rotate=+90 $in pdf/qpdf/rotated.pdf
  qpdf --add-attachment pdf/phu-luc.pdf --filename=phu-luc.pdf -- $in pdf/qpdf/attachment.pdf
  qpdf --allow-weak-crypto --encrypt "" owner 40 -- $in pdf/qpdf/rc4-40.pdf
  qpdf --allow-weak-crypto --encrypt "" owner 128 --use-aes=n -- $in pdf/qpdf/rc4-128.pdf
  qpdf --allow-weak-crypto --encrypt "" owner 128 --use-aes=y -- $in pdf/qpdf/aes-128.pdf
  qpdf --encrypt "" owner 256 -- $in pdf/qpdf/aes-256.pdf
  qpdf --encrypt "" owner 256 -- --object-streams=generate $in pdf/qpdf/aes-256-object-streams.pdf
  qpdf --encrypt secret owner 256 -- $in pdf/qpdf/password.pdf
}

# 6. What must be refused.
bad() {
  mkdir -p bad
  head -c $(($(stat -c %s pdf/to-trinh.pdf) / 2)) pdf/to-trinh.pdf >bad/half.pdf
  echo 'Đây là tệp văn bản, không phải PDF.' >bad/text.pdf
  : >bad/empty.pdf
}

for step in ${*:-fonts documents profiles producers rewritten bad}; do
  $step
done
