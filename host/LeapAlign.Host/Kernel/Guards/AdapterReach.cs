using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Guards;

/// <summary>Whether an adapter reached the pictures of a run: those that it does not change to the last bit in a whole run say that it is not in the way of a picture.</summary>
internal static class AdapterReach
{
    /// <summary>Looks at the last evaluation of a run.</summary>
    /// <param name="isDue">Whether an adapter was trained, and the evaluation is the last.</param>
    /// <param name="updates">Updates of the adapter.</param>
    /// <param name="first">SHA-256 of the pictures of the first evaluation; null where there was none.</param>
    /// <param name="last">SHA-256 of those of the last.</param>
    /// <returns><see cref="FaultCodes.AdapterWithoutEffect"/>.</returns>
    public static Result<Unit> Check(bool isDue, int updates, string? first, string? last) => !isDue || updates == 0 || first is null || first != last
        ? Unit.Value
        : new Fault.Run(FaultCodes.AdapterWithoutEffect, $"after {updates} updates of the adapter every evaluation picture is to the last bit what it was before the first: either it does not reach the pictures, or the rate is too small to move anything");
}
