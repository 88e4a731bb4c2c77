package sharevm.cpu;

/** What a processor says of itself: CPUID leaves by a named model. */
public final class CpuModel {
  /** Returns the model that is used when none is asked for. */
  public static CpuModel standard() {
    return new CpuModel();
  }

  /** Returns family, model and stepping as CPUID.01H:EAX and EDX after reset have them. */
  public int signature() {
    return 0x000306a9;
  }
}
