package sharevm.cpu;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The state of one part of a machine as named fields, in the order in which they were put.
 *
 * <p>A value is a {@link Long}, a {@link String}, a {@code byte[]}, a {@code long[]} or another
 * {@code SavedState}; booleans and ints are kept as longs. Arrays are copied on the way in and out,
 * so a saved state never changes with the part that it came from.
 */
public final class SavedState {
  private final Map<String, Object> fields = new LinkedHashMap<>();

  /** Puts a number; returns this. */
  public SavedState put(String name, long value) {
    return store(name, value);
  }

  /** Puts a truth value; returns this. */
  public SavedState put(String name, boolean value) {
    return store(name, value ? 1L : 0L);
  }

  /** Puts a text; returns this. */
  public SavedState put(String name, String value) {
    return store(name, value);
  }

  /** Puts a copy of bytes; returns this. */
  public SavedState put(String name, byte[] value) {
    return store(name, value.clone());
  }

  /** Puts a copy of numbers; returns this. */
  public SavedState put(String name, long[] value) {
    return store(name, value.clone());
  }

  /** Puts the state of a part of this part; returns this. */
  public SavedState put(String name, SavedState value) {
    return store(name, value);
  }

  /** Returns whether there is a field of that name. */
  public boolean has(String name) {
    return fields.containsKey(name);
  }

  /** Returns a number. */
  public long getLong(String name) {
    return fetch(name, Long.class);
  }

  /** Returns a number that fits an int, its upper half cut off. */
  public int getInt(String name) {
    return (int) getLong(name);
  }

  /** Returns a truth value. */
  public boolean getBoolean(String name) {
    return getLong(name) != 0;
  }

  /** Returns a text. */
  public String getString(String name) {
    return fetch(name, String.class);
  }

  /** Returns a copy of bytes. */
  public byte[] getBytes(String name) {
    return fetch(name, byte[].class).clone();
  }

  /** Returns a copy of numbers. */
  public long[] getLongs(String name) {
    return fetch(name, long[].class).clone();
  }

  /** Returns the state of a part. */
  public SavedState getPart(String name) {
    return fetch(name, SavedState.class);
  }

  /** Returns the fields by name, in order, read-only; arrays in it must not be written to. */
  public Map<String, Object> fields() {
    return Collections.unmodifiableMap(fields);
  }

  private SavedState store(String name, Object value) {
    if (fields.put(name, value) != null) {
      throw new IllegalArgumentException("the field \"" + name + "\" is put twice");
    }
    return this;
  }

  private <T> T fetch(String name, Class<T> type) {
    Object value = fields.get(name);
    if (!type.isInstance(value)) {
      String found = value == null ? "nothing" : "a " + value.getClass().getSimpleName();
      throw new SavedStateException(
          "the field \"" + name + "\" should be a " + type.getSimpleName() + ", but is " + found);
    }
    return type.cast(value);
  }
}
