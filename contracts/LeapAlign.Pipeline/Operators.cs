namespace LeapAlign.Pipeline.Operators;

/// <summary>
/// F#-style operators, for files that read as a pipeline: <c>value | stage</c> applies, <c>stage &gt;&gt; stage</c> composes, and
/// <c>result | function</c> continues on success. <c>|</c> binds looser than <c>&gt;&gt;</c>, so <c>x | f &gt;&gt; g</c> is <c>g(f(x))</c>.
/// The generic operator applies to every type in scope, which is why it lives in a namespace of its own.
/// </summary>
public static class PipeOperators
{
    extension<T, TResult>(T)
    {
        /// <summary>Applies a function to a value.</summary>
        public static TResult operator |(T value, Func<T, TResult> function) => function(value);

        /// <summary>Applies a stage to a value.</summary>
        public static TResult operator |(T value, Stage<T, TResult> stage) => stage.Run(value);
    }

    extension<T, TResult>(Result<T>)
    {
        /// <summary>Continues with a function that can fail; a fault passes through.</summary>
        public static Result<TResult> operator |(Result<T> result, Func<T, Result<TResult>> function) => result.Bind(function);
    }

    extension<TIn, TMiddle, TOut>(Func<TIn, TMiddle>)
    {
        /// <summary>Composes two functions.</summary>
        public static Func<TIn, TOut> operator >>(Func<TIn, TMiddle> first, Func<TMiddle, TOut> second) => value => second(first(value));
    }

    extension<TIn, TMiddle, TOut>(Stage<TIn, TMiddle>)
    {
        /// <summary>Composes two stages.</summary>
        public static Stage<TIn, TOut> operator >>(Stage<TIn, TMiddle> first, Stage<TMiddle, TOut> second) => first.Then(second);
    }
}
