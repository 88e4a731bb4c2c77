package sharevm.machine.bus;

/** Gives the pages behind a guest's memory, each of which a host makes when it is first touched. */
@FunctionalInterface
public interface PageSupply {
  /** Leaves each page to its first touch. */
  PageSupply ON_TOUCH = (_, _) -> {};

  /**
   * Makes all pages of a range that is about to be written, which costs a host less than one by
   * one. What they hold does not change.
   *
   * @param offset in the guest's memory segment
   * @param length in bytes
   */
  void prepare(long offset, long length);
}
