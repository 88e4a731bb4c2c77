package sharevm.lab.lockstep;

/** Thrown when two machines are not alike; the message says in what. */
public final class Difference extends Exception {
  private static final long serialVersionUID = 1;

  Difference(String message) {
    super(message);
  }
}
