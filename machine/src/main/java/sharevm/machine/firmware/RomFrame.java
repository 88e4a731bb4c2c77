package sharevm.machine.firmware;

import sharevm.machine.bus.GuestMemory;

/**
 * A guest's registers as the ROM's entry code has pushed them, read and written where they lie on
 * the guest's stack; what a service writes here the caller finds in its registers.
 *
 * <pre>
 *   +0 ES  +2 DS  +4 EDI  +8 ESI  +12 EBP  +16 ESP  +20 EBX  +24 EDX  +28 ECX  +32 EAX
 *   +36 vector  +38 IP  +40 CS  +42 FLAGS
 * </pre>
 */
public final class RomFrame {
  private static final int CARRY = 1;
  private static final int ZERO = 1 << 6;
  private static final int DS_ES = 0;
  private static final int EDI = 4;
  private static final int EBX = 20;
  private static final int EDX = 24;
  private static final int ECX = 28;
  private static final int EAX = 32;
  private static final int VECTOR = 36;
  private static final int FLAGS = 42;

  private final GuestMemory memory;
  private final int segment;
  private final int pointer;

  RomFrame(GuestMemory memory, int segment, int pointer) {
    this.memory = memory;
    this.segment = segment;
    this.pointer = pointer;
  }

  /** Returns the interrupt's number. */
  public int vector() {
    return get16(VECTOR) & 0xFF;
  }

  /** Returns EAX, zero-extended. */
  public long eax() {
    return get32(EAX);
  }

  /** Returns AX. */
  public int ax() {
    return get16(EAX);
  }

  /** Returns AH. */
  public int ah() {
    return get16(EAX) >>> 8;
  }

  /** Returns AL. */
  public int al() {
    return get16(EAX) & 0xFF;
  }

  /** Returns EBX, zero-extended. */
  public long ebx() {
    return get32(EBX);
  }

  /** Returns ECX, zero-extended. */
  public long ecx() {
    return get32(ECX);
  }

  /** Returns EDX, zero-extended. */
  public long edx() {
    return get32(EDX);
  }

  /** Returns the physical address that ES:DI points at. */
  public long esDi() {
    return ((long) get16(DS_ES) << 4) + get16(EDI);
  }

  /** Sets EAX. */
  public void eax(long value) {
    put32(EAX, value);
  }

  /** Sets AX. */
  public void ax(int value) {
    put16(EAX, value);
  }

  /** Sets AH. */
  public void ah(int value) {
    put16(EAX, value << 8 | al());
  }

  /** Sets BX. */
  public void bx(int value) {
    put16(EBX, value);
  }

  /** Sets EBX. */
  public void ebx(long value) {
    put32(EBX, value);
  }

  /** Sets CX. */
  public void cx(int value) {
    put16(ECX, value);
  }

  /** Sets ECX. */
  public void ecx(long value) {
    put32(ECX, value);
  }

  /** Sets DX. */
  public void dx(int value) {
    put16(EDX, value);
  }

  /** Sets the carry flag that the caller sees: mostly an error. */
  public void carry(boolean value) {
    flag(CARRY, value);
  }

  /** Sets the zero flag that the caller sees. */
  public void zero(boolean value) {
    flag(ZERO, value);
  }

  private void flag(int bit, boolean value) {
    int flags = get16(FLAGS);
    put16(FLAGS, value ? flags | bit : flags & ~bit);
  }

  private int get16(int at) {
    return get8(at) | get8(at + 1) << 8;
  }

  private long get32(int at) {
    return get16(at) | (long) get16(at + 2) << 16;
  }

  private void put16(int at, int value) {
    put8(at, value);
    put8(at + 1, value >>> 8);
  }

  private void put32(int at, long value) {
    put16(at, (int) value);
    put16(at + 2, (int) (value >>> 16));
  }

  /** The stack wraps round at 64 KiB as the processor's pushes do. */
  private long address(int at) {
    return ((long) segment << 4) + (pointer + at & 0xFFFF);
  }

  private int get8(int at) {
    return (int) memory.read(address(at), 1);
  }

  private void put8(int at, int value) {
    memory.write(address(at), 1, value);
  }
}
