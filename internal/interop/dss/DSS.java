import eu.europa.esig.dss.crl.CRLUtils;
import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.enumerations.RevocationOrigin;
import eu.europa.esig.dss.jaxb.object.Message;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.simplereport.jaxb.XmlTimestamp;
import eu.europa.esig.dss.spi.CertificateExtensionsUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.CRLSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.CRLToken;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Judges PDF signatures by EU DSS and its built-in policy, without the network.
 *
 * <pre>DSS ANCHORS.pem [ADDRESS CRL]... &lt; lines of MODE, a tab, FILE</pre>
 *
 * MODE is "crls" where the CRLs of the command line may be used, and "embedded" where the file must bring all evidence
 * itself. Prints a line of JSON for each signature; for a file that has none, or can't be read, a line that says so.
 */
public final class DSS {
  public static void main(String[] args) throws Exception {
    CommonTrustedCertificateSource anchors = new CommonTrustedCertificateSource();
    try (InputStream in = new FileInputStream(args[0])) {
      for (Certificate c : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        anchors.addCertificate(new CertificateToken((X509Certificate) c));
      }
    }
    CommonCertificateVerifier embedded = verifier(anchors);
    CommonCertificateVerifier crls = verifier(anchors);
    Map<String, byte[]> published = new HashMap<>();
    for (int i = 1; i + 1 < args.length; i += 2) {
      published.put(args[i], Files.readAllBytes(Path.of(args[i + 1])));
    }
    crls.setCrlSource(new Published(published));

    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = jobs.readLine()) != null; ) {
      String[] job = line.split("\t", 2);
      judge(job[1], job[0].equals("crls") ? crls : embedded, out);
    }
    out.flush();
  }

  /**
   * The CRL at the address in a certificate, as if it had been fetched. The offline sources of DSS take any CRL of the
   * issuer, which is wrong where an issuer spreads its certificates over several. So do its later steps, for
   * certificates of one issuer in the same file: DSS 6.4 doesn't look at a CRL's IssuingDistributionPoint.
   */
  private static final class Published implements CRLSource {
    private final Map<String, byte[]> lists;

    Published(Map<String, byte[]> lists) {
      this.lists = lists;
    }

    @Override
    public CRLToken getRevocationToken(CertificateToken certificate, CertificateToken issuer) {
      for (String address : CertificateExtensionsUtils.getCRLAccessUrls(certificate)) {
        if (lists.containsKey(address)) {
          try {
            CRLToken token =
                new CRLToken(certificate, CRLUtils.buildCRLValidity(CRLUtils.buildCRLBinary(lists.get(address)), issuer));
            token.setExternalOrigin(RevocationOrigin.EXTERNAL);
            token.setSourceURL(address);
            return token;
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      }
      return null;
    }
  }

  private static CommonCertificateVerifier verifier(CommonTrustedCertificateSource anchors) {
    CommonCertificateVerifier v = new CommonCertificateVerifier();
    v.setTrustedCertSources(anchors);
    v.setAIASource(null); // the only source that is online by default
    return v;
  }

  private static void judge(String file, CommonCertificateVerifier verifier, PrintStream out) {
    Reports reports;
    try {
      PDFDocumentValidator validator = new PDFDocumentValidator(new FileDocument(file));
      validator.setCertificateVerifier(verifier);
      reports = validator.validateDocument();
    } catch (RuntimeException e) {
      out.println("{\"file\":" + quote(file) + ",\"errors\":[" + quote(e.toString()) + "]}");
      return;
    }
    SimpleReport simple = reports.getSimpleReport();
    DiagnosticData data = reports.getDiagnosticData();
    if (simple.getSignatureIdList().isEmpty()) {
      out.println("{\"file\":" + quote(file) + ",\"errors\":[\"no signature\"]}");
    }
    for (String id : simple.getSignatureIdList()) {
      SignatureWrapper signature = data.getSignatureById(id);
      List<String> errors = new ArrayList<>(texts(simple.getAdESValidationErrors(id)));
      List<String> timestamps = new ArrayList<>();
      for (XmlTimestamp t : simple.getSignatureTimestamps(id)) {
        timestamps.add(String.valueOf(t.getIndication()));
      }
      out.println("{\"file\":" + quote(file)
          + ",\"field\":" + quote(signature.getPDFRevision() == null ? null : signature.getPDFRevision().getFirstFieldName())
          + ",\"signer\":" + quote(simple.getSignedBy(id))
          + ",\"format\":" + quote(simple.getSignatureFormat(id) == null ? null : simple.getSignatureFormat(id).name())
          + ",\"indication\":" + quote(simple.getIndication(id))
          + ",\"sub_indication\":" + quote(simple.getSubIndication(id))
          + ",\"timestamps\":" + array(timestamps)
          + ",\"errors\":" + array(errors)
          + ",\"warnings\":" + array(texts(simple.getAdESValidationWarnings(id))) + "}");
    }
  }

  private static List<String> texts(List<Message> messages) {
    List<String> out = new ArrayList<>();
    for (Message m : messages) {
      out.add(m.getKey() + ": " + m.getValue());
    }
    return out;
  }

  private static String array(List<String> values) {
    List<String> out = new ArrayList<>();
    for (String v : values) {
      out.add(quote(v));
    }
    return "[" + String.join(",", out) + "]";
  }

  /** A JSON string; null is the empty one. */
  private static String quote(Object value) {
    StringBuilder b = new StringBuilder("\"");
    for (char c : (value == null ? "" : value.toString()).toCharArray()) {
      if (c == '"' || c == '\\') {
        b.append('\\').append(c);
      } else if (c < ' ') {
        b.append(String.format("\\u%04x", (int) c));
      } else {
        b.append(c);
      }
    }
    return b.append('"').toString();
  }
}
