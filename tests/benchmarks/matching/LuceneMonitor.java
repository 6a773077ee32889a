// Lucene Monitor on the workload of workload.py: documents per CPU second of one thread.
//
// Arguments: queries, documents, "shipped" or "tuned", seconds to warm up, seconds to measure,
// and a file for the matches: a document's number and the numbers of its queries a line.
//
// A query is a line of fields with tabs between them:
//   B  A,B,C D   E,F   G      (A OR B OR "C D") AND (E OR F) AND NOT G
//   P  C D                    "C D"
//   N  A B   5                A NEAR/5 B
//   X  A   prefix   E         (A OR prefix*) AND E
//   T  A,B                    title:(A OR B)
// A document is a title, a tab and a body, both words with spaces between them.

import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.core.WhitespaceTokenizer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.Term;
import org.apache.lucene.monitor.Monitor;
import org.apache.lucene.monitor.MonitorConfiguration;
import org.apache.lucene.monitor.MonitorQuery;
import org.apache.lucene.monitor.MultipassTermFilteredPresearcher;
import org.apache.lucene.monitor.Presearcher;
import org.apache.lucene.monitor.QueryMatch;
import org.apache.lucene.monitor.TermFilteredPresearcher;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.PrefixQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;

public class LuceneMonitor {
  private static final int PASSES = 2;
  private static final int WINDOWS = 5; // the best counts: other programs take caches
  private static final int LEAST = 50; // documents of a window
  private static int next = 0;
  private static final int GAP = 1000; // between title and body, so that no phrase crosses

  public static void main(String[] args) throws Exception {
    List<String> queries = Files.readAllLines(Path.of(args[0]));
    List<Document> documents = new ArrayList<>();
    Map<String, Integer> frequencies = new HashMap<>();
    for (String line : Files.readAllLines(Path.of(args[1]))) {
      documents.add(document(line));
      for (String word : new TreeSet<>(List.of(line.split("[\t ]")))) {
        frequencies.merge(word, 1, Integer::sum);
      }
    }
    boolean tuned = args[2].equals("tuned");
    Presearcher presearcher = new TermFilteredPresearcher();
    if (tuned) {
      IndexSearcher.setDefaultQueryCache(null);
      presearcher =
          new MultipassTermFilteredPresearcher(
              PASSES,
              0,
              term -> 1.0 / (0.5 + frequencies.getOrDefault(term.text(), 0)),
              Collections.emptyList(),
              Collections.emptySet());
    }
    try (Monitor monitor = new Monitor(analyzer(), presearcher, new MonitorConfiguration())) {
      register(monitor, queries, tuned ? Occur.FILTER : Occur.MUST);
      run(monitor, documents, Double.parseDouble(args[3]));
      double best = 0;
      for (int window = 0; window < WINDOWS; window++) {
        best = Math.max(best, run(monitor, documents, Double.parseDouble(args[4]) / WINDOWS));
      }
      System.out.printf("%.1f%n", best);
      write(monitor, documents, Path.of(args[5]));
    }
  }

  private static void register(Monitor monitor, List<String> lines, Occur must) throws Exception {
    List<MonitorQuery> batch = new ArrayList<>();
    for (int number = 0; number < lines.size(); number++) {
      batch.add(new MonitorQuery(Integer.toString(number), query(lines.get(number), must)));
      if (batch.size() == 10_000 || number == lines.size() - 1) {
        monitor.register(batch);
        batch.clear();
      }
    }
  }

  /** Match documents one by one, again and again, for some seconds; return how many a CPU second. */
  private static double run(Monitor monitor, List<Document> documents, double seconds)
      throws Exception {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long start = threads.getCurrentThreadCpuTime();
    long done = 0;
    while (true) {
      monitor.match(documents.get(next++ % documents.size()), QueryMatch.SIMPLE_MATCHER);
      done++;
      double spent = (threads.getCurrentThreadCpuTime() - start) / 1e9;
      if (spent >= seconds && done >= LEAST) {
        return done / spent;
      }
    }
  }

  private static void write(Monitor monitor, List<Document> documents, Path path)
      throws Exception {
    try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(path))) {
      for (int number = 0; number < Math.min(documents.size(), 100); number++) {
        TreeSet<Integer> found = new TreeSet<>();
        for (QueryMatch match :
            monitor.match(documents.get(number), QueryMatch.SIMPLE_MATCHER).getMatches()) {
          found.add(Integer.parseInt(match.getQueryId()));
        }
        out.print(number);
        found.forEach(query -> out.print(" " + query));
        out.println();
      }
    }
  }

  private static Query query(String line, Occur must) {
    String[] fields = line.split("\t");
    switch (fields[0]) {
      case "B":
        return new BooleanQuery.Builder()
            .add(any("text", fields[1]), must)
            .add(any("text", fields[2]), must)
            .add(new TermQuery(new Term("text", fields[3])), Occur.MUST_NOT)
            .build();
      case "P":
        return new PhraseQuery("text", fields[1].split(" "));
      case "N":
        // A sloppy phrase takes its words in the other order only two words nearer.
        String[] pair = fields[1].split(" ");
        int slop = Integer.parseInt(fields[2]);
        return new BooleanQuery.Builder()
            .add(new PhraseQuery(slop, "text", pair[0], pair[1]), Occur.SHOULD)
            .add(new PhraseQuery(slop, "text", pair[1], pair[0]), Occur.SHOULD)
            .build();
      case "X":
        Query either =
            new BooleanQuery.Builder()
                .add(new TermQuery(new Term("text", fields[1])), Occur.SHOULD)
                .add(new PrefixQuery(new Term("text", fields[2])), Occur.SHOULD)
                .build();
        return new BooleanQuery.Builder()
            .add(either, must)
            .add(new TermQuery(new Term("text", fields[3])), must)
            .build();
      default:
        return any("title", fields[1]);
    }
  }

  private static Query any(String field, String items) {
    BooleanQuery.Builder builder = new BooleanQuery.Builder();
    for (String item : items.split(",")) {
      String[] words = item.split(" ");
      Query part =
          words.length > 1 ? new PhraseQuery(field, words) : new TermQuery(new Term(field, item));
      builder.add(part, Occur.SHOULD);
    }
    return builder.build();
  }

  private static Document document(String line) {
    String[] fields = line.split("\t");
    Document document = new Document();
    document.add(new TextField("title", fields[0], Field.Store.NO));
    document.add(new TextField("text", fields[0], Field.Store.NO));
    document.add(new TextField("text", fields[1], Field.Store.NO));
    return document;
  }

  private static Analyzer analyzer() {
    return new Analyzer() {
      @Override
      protected TokenStreamComponents createComponents(String field) {
        return new TokenStreamComponents(new WhitespaceTokenizer());
      }

      @Override
      public int getPositionIncrementGap(String field) {
        return GAP;
      }
    };
  }
}
