import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/**
 * Says whether PDFs conform to PDF/A or PDF/UA, by veraPDF.
 *
 * <pre>VeraPDF &lt; lines of FLAVOUR, a tab, FILE</pre>
 *
 * FLAVOUR is 1b, 2b, 3b, ua1 and the like. Prints a line of JSON for each job, with the rules that are broken and, for
 * each, the first place.
 */
public final class VeraPDF {
  public static void main(String[] args) throws Exception {
    LogManager.getLogManager().reset();
    Logger.getLogger("").setLevel(Level.OFF);
    VeraGreenfieldFoundryProvider.initialise();
    ObjectMapper json = new ObjectMapper();
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = jobs.readLine()) != null; ) {
      String[] job = line.split("\t", 2);
      out.println(json.writeValueAsString(judge(PDFAFlavour.fromString(job[0]), job[1])));
    }
    out.flush();
  }

  private static Map<String, Object> judge(PDFAFlavour flavour, String file) {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("file", file);
    report.put("flavour", flavour.getId());
    Map<String, String> broken = new TreeMap<>();
    boolean conforms = false;
    try (InputStream in = new FileInputStream(file);
        PDFAParser parser = Foundries.defaultInstance().createParser(in, flavour);
        PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false)) {
      ValidationResult result = validator.validate(parser);
      conforms = result.isCompliant();
      report.put("assertions", result.getTotalAssertions());
      for (TestAssertion a : result.getTestAssertions()) {
        if (a.getStatus() == TestAssertion.Status.FAILED) {
          broken.putIfAbsent(a.getRuleId().getSpecification().getId() + ", " + a.getRuleId().getClause() + "-" + a.getRuleId().getTestNumber(),
              a.getMessage() + " [" + a.getLocation().getContext() + "]");
        }
      }
    } catch (Exception e) {
      broken.put("exception", e.toString());
    }
    report.put("conforms", conforms);
    report.put("broken", broken);
    return report;
  }
}
