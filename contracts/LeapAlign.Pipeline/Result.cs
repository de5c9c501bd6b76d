using System.Diagnostics.CodeAnalysis;

namespace LeapAlign.Pipeline;

/// <summary>A value, or the fault that stands in its place. <c>default</c> is neither: reading it throws.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly struct Result<T> : IEquatable<Result<T>>
{
    private readonly T? _value;
    private readonly Fault? _fault;
    private readonly bool _succeeded;

    internal Result(T value)
    {
        _value = value;
        _succeeded = true;
    }

    internal Result(Fault fault) => _fault = fault;

    /// <summary>Whether there is a value.</summary>
    public bool IsOk => _succeeded;

    /// <summary>Wraps a value. For an interface type use <see cref="Result.Ok{T}"/>: C# has no conversions from interfaces.</summary>
    public static implicit operator Result<T>(T value) => new(value);

    /// <summary>Wraps a fault.</summary>
    public static implicit operator Result<T>(Fault fault) => new(fault);

    /// <summary>Applies the function that fits.</summary>
    /// <exception cref="InvalidOperationException">The result was never made (<c>default</c>).</exception>
    public TResult Match<TResult>(Func<T, TResult> ok, Func<Fault, TResult> fault)
    {
        ArgumentNullException.ThrowIfNull(ok);
        ArgumentNullException.ThrowIfNull(fault);
        return _succeeded ? ok(_value!) : fault(_fault ?? throw Uninitialised());
    }

    /// <summary>Gives the value or the fault, whichever is there.</summary>
    /// <returns>Whether there is a value.</returns>
    /// <exception cref="InvalidOperationException">The result was never made (<c>default</c>).</exception>
    public bool TryGet([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out Fault? fault)
    {
        value = _value;
        fault = _succeeded ? null : _fault ?? throw Uninitialised();
        return _succeeded;
    }

    /// <inheritdoc/>
    public bool Equals(Result<T> other) =>
        _succeeded == other._succeeded && EqualityComparer<T?>.Default.Equals(_value, other._value) && Equals(_fault, other._fault);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Result<T> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_succeeded, _value, _fault);

    /// <summary>Whether both hold equal values or equal faults.</summary>
    public static bool operator ==(Result<T> left, Result<T> right) => left.Equals(right);

    /// <summary>Whether they differ.</summary>
    public static bool operator !=(Result<T> left, Result<T> right) => !left.Equals(right);

    /// <inheritdoc/>
    public override string ToString() => _succeeded ? $"Ok({_value})" : $"{_fault?.ToString() ?? "uninitialised result"}";

    private static InvalidOperationException Uninitialised() => new("an uninitialised Result was read");
}

/// <summary>Makes and chains results.</summary>
public static class Result
{
    /// <summary>A success.</summary>
    public static Result<T> Ok<T>(T value) => new(value);

    /// <summary>A failure.</summary>
    public static Result<T> Fail<T>(Fault fault) => new(fault);

    /// <summary>Applies a function to the value, leaving a fault as it is.</summary>
    public static Result<TNext> Map<T, TNext>(this Result<T> result, Func<T, TNext> function) =>
        result.Match(value => Ok(function(value)), Fail<TNext>);

    /// <summary>Continues with a function that can fail.</summary>
    public static Result<TNext> Bind<T, TNext>(this Result<T> result, Func<T, Result<TNext>> function) => result.Match(function, Fail<TNext>);

    /// <summary>Query syntax: <c>from a in f() from b in g(a) select a + b</c>.</summary>
    public static Result<TNext> Select<T, TNext>(this Result<T> result, Func<T, TNext> function) => result.Map(function);

    /// <summary>Query syntax for chains of functions that can fail.</summary>
    public static Result<TNext> SelectMany<T, TMiddle, TNext>(this Result<T> result, Func<T, Result<TMiddle>> bind, Func<T, TMiddle, TNext> project) =>
        result.Bind(value => bind(value).Map(middle => project(value, middle)));

    /// <summary>The values of all, in order, or the first fault.</summary>
    public static Result<IReadOnlyList<T>> All<T>(this IEnumerable<Result<T>> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var values = new List<T>();
        foreach (var result in results)
        {
            if (!result.TryGet(out var value, out var fault)) return fault;
            values.Add(value);
        }
        return Ok<IReadOnlyList<T>>(values);
    }
}
