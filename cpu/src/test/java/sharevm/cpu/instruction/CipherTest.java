package sharevm.cpu.instruction;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** AES and carry-less multiplication against published values. */
final class CipherTest {
  private static final String KEY = "000102030405060708090a0b0c0d0e0f";
  private static final String PLAIN = "00112233445566778899aabbccddeeff";
  private static final String CIPHER = "69c4e0d86a7b0430d8cdb78070b4c55a";
  private static final int ROUNDS = 10;

  private final SingleSteps processor = new SingleSteps();

  /** FIPS 197 appendix C.1: key expansion, ten rounds, and back. */
  @Test
  void encryptsAndDecryptsByFips197() {
    String[] keys = expand();
    assertThat(keys[ROUNDS]).isEqualTo("13111d7fe3944a17f307a78b4d2b30c5");
    processor.xmmBytes(1, PLAIN);
    step("66 0f ef ca", keys[0]); // pxor xmm1, xmm2
    for (int round = 1; round < ROUNDS; round++) {
      step("66 0f 38 dc ca", keys[round]); // aesenc xmm1, xmm2
    }
    step("66 0f 38 dd ca", keys[ROUNDS]); // aesenclast xmm1, xmm2
    assertThat(processor.xmmBytes(1)).isEqualTo(CIPHER);

    step("66 0f ef ca", keys[ROUNDS]);
    for (int round = ROUNDS - 1; round > 0; round--) {
      processor.xmmBytes(2, keys[round]);
      run("66 0f 38 db d2"); // aesimc xmm2, xmm2
      run("66 0f 38 de ca"); // aesdec xmm1, xmm2
    }
    step("66 0f 38 df ca", keys[0]); // aesdeclast xmm1, xmm2
    assertThat(processor.xmmBytes(1)).isEqualTo(PLAIN);
  }

  /** Returns the round keys, each made from the one before it with AESKEYGENASSIST. */
  private String[] expand() {
    String[] keys = new String[ROUNDS + 1];
    keys[0] = KEY;
    int constant = 1;
    for (int round = 1; round <= ROUNDS; round++) {
      processor.xmmBytes(1, keys[round - 1]);
      run("66 0f 3a df d1 %02x".formatted(constant)); // aeskeygenassist xmm2, xmm1, constant
      run("66 0f 70 d2 ff"); // pshufd xmm2, xmm2, ffh
      for (int n = 0; n < 3; n++) {
        run("66 0f 6f d9"); // movdqa xmm3, xmm1
        run("66 0f 73 fb 04"); // pslldq xmm3, 4
        run("66 0f ef cb"); // pxor xmm1, xmm3
      }
      step("66 0f ef ca", null);
      keys[round] = processor.xmmBytes(1);
      constant = constant << 1 ^ (constant >> 7) * 0x11b;
    }
    return keys;
  }

  private void step(String code, String xmm2) {
    if (xmm2 != null) {
      processor.xmmBytes(2, xmm2);
    }
    run(code);
  }

  private void run(String code) {
    assertThat(processor.run(code)).isEqualTo(SingleSteps.COMPLETED);
  }

  /** GHASH's polynomial x^64 + x^63 + x^62 + x^57 times x, and a square, whose bits are spread. */
  @Test
  void multipliesPolynomials() {
    processor.xmm(1, "ffffffffffffffff" + "c200000000000000");
    processor.xmm(2, "ffffffffffffffff" + "0000000000000002");
    run("66 0f 3a 44 ca 00"); // pclmulqdq xmm1, xmm2, 0
    assertThat(processor.xmm(1)).isEqualTo("00000000000000018400000000000000");
    processor.xmm(1, "ffffffffffffffff" + "0000000000000000");
    run("66 0f 3a 44 ca 11");
    assertThat(processor.xmm(1)).isEqualTo("5555555555555555" + "5555555555555555");
  }
}
