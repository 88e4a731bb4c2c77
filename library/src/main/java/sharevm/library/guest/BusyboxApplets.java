package sharevm.library.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The applets of a busybox binary, found without running it: it may be for another architecture. A
 * busybox holds the sorted names of its applets one after another, each closed by a NUL and the
 * last followed by another; {@code [} and {@code [[} sort first.
 */
final class BusyboxApplets {
  private static final byte[] START = "\0[\0[[\0".getBytes(StandardCharsets.US_ASCII);
  private static final int LONGEST_NAME = 64;

  private BusyboxApplets() {}

  /**
   * Returns the names in order.
   *
   * @throws IOException if there is no such list
   */
  static List<String> of(byte[] busybox) throws IOException {
    int at = indexOf(busybox, START) + 1;
    List<String> names = new ArrayList<>();
    while (at > 0 && at < busybox.length && busybox[at] != 0) {
      int end = at;
      while (end < busybox.length && busybox[end] > ' ' && end - at < LONGEST_NAME) {
        end++;
      }
      if (end == busybox.length || busybox[end] != 0) {
        break;
      }
      names.add(new String(busybox, at, end - at, StandardCharsets.US_ASCII));
      at = end + 1;
    }
    if (!names.contains("sh") || !names.contains("mount")) {
      throw new IOException("this busybox has no list of applets");
    }
    return names;
  }

  private static int indexOf(byte[] bytes, byte[] wanted) {
    for (int at = 0; at <= bytes.length - wanted.length; at++) {
      int matched = 0;
      while (matched < wanted.length && bytes[at + matched] == wanted[matched]) {
        matched++;
      }
      if (matched == wanted.length) {
        return at;
      }
    }
    return -1;
  }
}
