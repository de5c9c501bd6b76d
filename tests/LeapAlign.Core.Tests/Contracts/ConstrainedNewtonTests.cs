using LeapAlign.Bench.Cases;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Solvers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

public sealed class ConstrainedNewtonTests
{
    [Fact]
    public void Steps_on_hs7_are_the_recorded_ones()
    {
        using var scope = NewDisposeScope();
        List<(double[] Point, double Multiplier, double Length)> steps = [];
        var found = Solved(CutestProblems.Hs7, [2, 2], 1, new ConstrainedForm(), (_, point, multipliers, length) => steps.Add((Numbers(point), multipliers[0].item<double>(), length)));
        Near([1.530058651, 3.574413490], steps[0].Point);
        Near([1.104523917, 4.094303570], steps[1].Point);
        Near([0.824315407, 4.294896280], steps[2].Point);
        Near([-0.008825147, -0.015729526], [steps[0].Multiplier, steps[1].Multiplier]);
        Assert.Equal([0.5, 0.25, 0.0625], steps.Take(3).Select(static step => step.Length));
        Assert.Equal(10, found.Iterations);
        Assert.All(Numbers(found.Point).Zip([0, Math.Sqrt(3)]), static pair => Assert.Equal(pair.Second, pair.First, 1e-4));
        Assert.Equal(0.288675, found.Multipliers[0].item<double>(), 1e-5);
        Assert.True(found.Residual <= 1e-4);
        Assert.Equal(0, found.Projections);
    }

    [Fact]
    public void Hs6_takes_nine_steps_and_bt3_one()
    {
        using var scope = NewDisposeScope();
        var sixth = Solved(CutestProblems.Hs6, [-1.2, 1], 1, new ConstrainedForm());
        Assert.Equal(9, sixth.Iterations);
        Assert.All(Numbers(sixth.Point), static number => Assert.Equal(1, number, 1e-4));
        var third = Solved(CutestProblems.Bt3, [20, 20, 20, 20, 20], 3, new ConstrainedForm());
        Assert.Equal(1, third.Iterations);
        Assert.Equal(4.093023256, third.At.Value, 5e-10);
    }

    [Theory]
    [InlineData(SystemSketch.Kaczmarz)]
    [InlineData(SystemSketch.Gaussian)]
    public void Sketches_come_to_the_same_places_in_as_many_steps(SystemSketch sketch)
    {
        using var scope = NewDisposeScope();
        for (var seed = 0; seed < 3; seed++)
        {
            var form = new ConstrainedForm { Sketch = sketch, Random = RandomKey.OfRun(seed) };
            var third = Solved(CutestProblems.Bt3, [20, 20, 20, 20, 20], 3, form);
            Assert.Equal(1, third.Iterations);
            Assert.Equal(4.093023256, third.At.Value, 1e-6);
            Assert.True(third.Projections > 100);
            var again = Solved(CutestProblems.Bt3, [20, 20, 20, 20, 20], 3, form);
            Assert.Equal((third.Projections, third.At.Value), (again.Projections, again.At.Value));
            if (sketch == SystemSketch.Gaussian) continue;
            var seventh = Solved(CutestProblems.Hs7, [2, 2], 1, form);
            Assert.Equal(10, seventh.Iterations);
            Assert.Equal(Math.Sqrt(3), Numbers(seventh.Point)[1], 1e-4);
        }
    }

    [Fact]
    public void Without_constraints_it_is_newtons_method_and_a_saddle_is_left()
    {
        using var scope = NewDisposeScope();
        // x⁴/4 − x²/2 + y²/2 has a saddle at 0 and minima at ±1.
        var found = Solved(Saddle, [0.1, 1], 0, new ConstrainedForm());
        Assert.Equal(1, Numbers(found.Point)[0], 1e-3);
        Assert.Equal(-0.25, found.At.Value, 1e-6);
    }

    [Fact]
    public void Constraints_that_say_the_same_are_a_fault()
    {
        using var scope = NewDisposeScope();
        var fault = ConstrainedNewton.Solve(
            static (point, _) => new(0, zeros(2, dtype: float64), point[0].repeat(2), tensor(new double[,] { { 1, 0 }, { 1, 0 } }), static () => eye(2, dtype: float64)), Vector(3, 3), Vector(0, 0)).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.ConstrainedUnsolved, fault?.Code);
        Assert.Contains("constraints depend on each other", fault!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN, 200, "after 0 steps f, c or a derivative is not finite")]
    [InlineData(1, 3, "after 3 steps")]
    public void What_is_not_solved_is_a_fault(double first, int most, string says)
    {
        using var scope = NewDisposeScope();
        var fault = ConstrainedNewton.Solve(CutestProblems.Hs7, Vector(2 * first, 2), Vector(0), new ConstrainedForm { Most = most }).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.ConstrainedUnsolved, fault?.Code);
        Assert.Contains(says, fault!.Message, StringComparison.Ordinal);
    }

    private static ConstrainedSolution Solved(ConstrainedProblem problem, double[] point, int constraints, ConstrainedForm form, Action<int, Tensor, Tensor, double>? told = null) =>
        ConstrainedNewton.Solve(problem, Vector(point), zeros(constraints, dtype: float64), form, told).Match(static found => found, static fault => throw new FaultException(fault));

    private static ConstrainedAt Saddle(Tensor point, Tensor multipliers)
    {
        var (x, y) = (point[0].item<double>(), point[1].item<double>());
        return new(
            (Math.Pow(x, 4) / 4) - (x * x / 2) + (y * y / 2), Vector((x * x * x) - x, y), zeros(0, dtype: float64), zeros([0, 2], dtype: float64), () => diag(Vector((3 * x * x) - 1, 1)));
    }

    private static Tensor Vector(params double[] numbers) => tensor(numbers, dtype: float64);

    private static double[] Numbers(Tensor vector) => vector.data<double>().ToArray();

    private static void Near(double[] expected, double[] actual) => Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
}
