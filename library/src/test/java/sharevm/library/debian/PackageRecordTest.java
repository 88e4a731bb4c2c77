package sharevm.library.debian;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class PackageRecordTest {
  private static final String HASH = "0123456789abcdef".repeat(4);

  private static String index(String name, String depends) {
    return """
        Package: %s
        Source: linux-signed-amd64 (6.1.192+2)
        Version: 6.1.192-2
        Architecture: amd64
        Depends: %s
        Description: a text
         that goes on
         Size: 3
        Filename: pool/x.deb
        Size: 1504
        SHA256: %s

        Package: other
        Version: 1
        Size: 9
        """
        .formatted(name, depends, HASH);
  }

  @Test
  void readsTheFirstRecord() {
    PackageRecord record =
        PackageRecord.parse(index("linux-image-amd64", "linux-image-6.1.0-56-amd64 (= 6.1.192-2)"))
            .orElseThrow();
    assertThat(record.name()).isEqualTo("linux-image-amd64");
    assertThat(record.version()).isEqualTo("6.1.192-2");
    assertThat(record.size()).isEqualTo(1504);
    assertThat(record.sha256()).isEqualTo(HASH);
    assertThat(record.kernelPointedTo()).contains("linux-image-6.1.0-56-amd64");
  }

  @Test
  void aPointerWhoseNameBeginsWithADigitIsOneToo() {
    assertThat(
            PackageRecord.parse(index("linux-image-686", "linux-image-6.1.0-56-686 (= 6.1.192-2)"))
                .orElseThrow()
                .kernelPointedTo())
        .contains("linux-image-6.1.0-56-686");
  }

  @Test
  void aKernelOfItsOwnPointsToNoOther() {
    assertThat(
            PackageRecord.parse(index("linux-image-6.1.0-56-amd64", "kmod, linux-image-6.0"))
                .orElseThrow()
                .kernelPointedTo())
        .isEmpty();
    assertThat(
            PackageRecord.parse(index("busybox-static", "libc6")).orElseThrow().kernelPointedTo())
        .isEmpty();
  }

  @Test
  void aRecordThatIsNotWholeIsNone() {
    String whole = index("a", "");
    assertThat(PackageRecord.parse(whole)).isPresent();
    assertThat(PackageRecord.parse("")).isEmpty();
    assertThat(PackageRecord.parse("N: Unable to locate package nothing")).isEmpty();
    assertThat(PackageRecord.parse(whole.replace(HASH, "abc"))).isEmpty();
    assertThat(PackageRecord.parse(whole.replace("1504", "-1"))).isEmpty();
    assertThat(PackageRecord.parse(whole.replace("1504", "99999999999999999999"))).isEmpty();
  }
}
