package sharevm.machine.bus;

/**
 * Lays registers out in a range of addresses and turns accesses of any width and alignment into
 * whole registers: a narrow read is cut out of one, a wide one put together from several, and a
 * write says which bits it means, so that write-one-to-clear registers need no care.
 *
 * @param <R> the chip's registers, mostly an enum
 */
public final class RegisterMap<R extends RegisterMap.Register> {
  /** One register of a chip. */
  public interface Register {
    /** Returns where its first byte lies in the range. */
    int offset();

    /** Returns its bytes: 1, 2, 4 or 8. */
    int size();
  }

  /** The chip behind the registers. */
  public interface Handler<R> {
    /** Reads a register as a whole, zero-extended. */
    long read(R register);

    /**
     * Writes those bits of a register that are set in {@code mask}; {@code value} is 0 elsewhere.
     */
    void write(R register, long value, long mask);
  }

  private final Register[] at;

  /**
   * Makes a map of {@code length} bytes; bytes that no register takes are reserved: they read as 0
   * and ignore writes.
   *
   * @throws IllegalArgumentException if registers overlap or lie outside
   */
  public RegisterMap(int length, R[] registers) {
    at = new Register[length];
    for (R register : registers) {
      for (int i = 0; i < register.size(); i++) {
        int offset = register.offset() + i;
        if (offset < 0 || offset >= length || at[offset] != null) {
          throw new IllegalArgumentException(register + " has no place of its own");
        }
        at[offset] = register;
      }
    }
  }

  /** Reads {@code size} bytes (1, 2, 4 or 8) at an offset; bytes outside the range are 0. */
  public long read(int offset, int size, Handler<R> handler) {
    long result = 0;
    for (int i = 0; i < size; ) {
      R register = find(offset + i);
      if (register == null) {
        i++;
      } else {
        int skip = offset + i - register.offset();
        int bytes = Math.min(register.size() - skip, size - i);
        result |= (handler.read(register) >>> 8 * skip & mask(bytes)) << 8 * i;
        i += bytes;
      }
    }
    return result;
  }

  /** Writes {@code size} bytes (1, 2, 4 or 8) at an offset; bytes outside the range are dropped. */
  public void write(int offset, int size, long value, Handler<R> handler) {
    for (int i = 0; i < size; ) {
      R register = find(offset + i);
      if (register == null) {
        i++;
      } else {
        int skip = offset + i - register.offset();
        int bytes = Math.min(register.size() - skip, size - i);
        long part = value >>> 8 * i & mask(bytes);
        handler.write(register, part << 8 * skip, mask(bytes) << 8 * skip);
        i += bytes;
      }
    }
  }

  @SuppressWarnings("unchecked") // the constructor puts only Rs in
  private R find(int offset) {
    return offset >= 0 && offset < at.length ? (R) at[offset] : null;
  }

  private static long mask(int bytes) {
    return bytes == 8 ? -1 : (1L << 8 * bytes) - 1;
  }
}
