import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.jaxb.object.Message;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.simplereport.jaxb.XmlTimestamp;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Judges PDF signatures by EU DSS and its built-in policy, without the network.
 *
 * <pre>DSS ANCHORS.pem [CRL]... &lt; lines of MODE, a tab, FILE</pre>
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
    crls.setCrlSource(new ExternalResourcesCRLSource(
        Arrays.stream(args).skip(1).map(FileDocument::new).toArray(DSSDocument[]::new)));

    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = jobs.readLine()) != null; ) {
      String[] job = line.split("\t", 2);
      judge(job[1], job[0].equals("crls") ? crls : embedded, out);
    }
    out.flush();
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
