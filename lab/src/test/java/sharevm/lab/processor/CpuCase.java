package sharevm.lab.processor;

import java.util.List;

/**
 * One instruction and all that it meets.
 *
 * @param mode the mode it runs in
 * @param state the state before it; RIP is where the instruction lies
 * @param code its bytes
 * @param patches what the memory holds apart from {@link #BASE_IMAGE}
 * @param operand linear address of the memory operand, or -1
 * @param origin what brings this case about again
 */
record CpuCase(
    Mode mode,
    ProcessorState state,
    byte[] code,
    List<Patch> patches,
    long operand,
    String origin) {
  private static final byte[] BASE_IMAGE = new byte[HostLayout.IMAGE_SIZE];

  static {
    long x = 0x9e37_79b9_7f4a_7c15L;
    for (int i = 0; i < BASE_IMAGE.length; i++) {
      x = x * 0x5851_f42d_4c95_7f2dL + 0x1405_7b7e_f767_814fL;
      BASE_IMAGE[i] = (byte) (x >>> 56);
    }
  }

  /**
   * Bytes put into the image.
   *
   * @param offset where, in the image of data and stack pages
   * @param bytes what
   */
  record Patch(int offset, byte[] bytes) {}

  /** Returns what data and stack pages hold before any case's patches. */
  static byte[] baseImage() {
    return BASE_IMAGE.clone();
  }

  /** Returns what data and stack pages hold before the instruction. */
  byte[] image() {
    byte[] image = baseImage();
    for (Patch patch : patches) {
      System.arraycopy(patch.bytes, 0, image, patch.offset, patch.bytes.length);
    }
    return image;
  }
}
