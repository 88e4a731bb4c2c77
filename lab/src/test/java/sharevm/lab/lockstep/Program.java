package sharevm.lab.lockstep;

import java.util.List;

/**
 * A random program, loaded at {@link GuestLayout#CODE}; it ends with INT3.
 *
 * @param entry where it begins
 * @param items the numbers of the pieces that it was put together of
 * @param patches linear addresses of immediate bytes that may be changed at any time
 */
record Program(GuestMode mode, byte[] code, long entry, List<Long> items, List<Long> patches)
    implements RandomProgram {
  @Override
  public List<String> text() {
    return GuestText.of(this);
  }
}
