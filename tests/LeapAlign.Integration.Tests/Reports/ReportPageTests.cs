using System.Globalization;
using PuppeteerSharp.Input;

namespace LeapAlign.Integration.Tests.Reports;

/// <summary>The report of a real run in a real browser.</summary>
[Collection(ReportedRuns.Collection)]
public sealed class ReportPageTests(ReportedRuns runs)
{
    [Fact]
    public async Task It_loads_without_a_complaint_or_a_request_and_says_what_the_run_is()
    {
        await using var browser = await Opened(runs.At("first", "report.html"));
        Assert.Equal("first", await Text(browser, "h1"));
        Assert.Equal("completed", await Text(browser, ".chip"));
        Assert.Equal(
            ["Rewards", "Tasks", "Pictures", "Training", "Measurements of the algorithm", "Where the time went", "Settings", "Warnings", "Environment"],
            await Texts(browser, "section h2"));
        Assert.Contains("LA4011", await Text(browser, "[data-table=warnings]"), StringComparison.Ordinal);
        Assert.Contains("algorithm.settings.alpha", await Text(browser, "[data-table=settings]"), StringComparison.Ordinal);
        Assert.Contains("libtorch", await Text(browser, "[data-table=environment]"), StringComparison.Ordinal);
        Assert.Empty(browser.Complaints);
        Assert.Empty(browser.Requests);
    }

    [Fact]
    public async Task Every_curve_and_its_table_hold_the_numbers_of_metrics()
    {
        await using var browser = await Opened(runs.At("first", "report.html"));
        var steps = runs.Lines("first", "step");
        await AssertCurve(browser, "loss", steps.Select(static line => (double)line["loss"]!));
        await AssertCurve(browser, "gradientNorm", steps.Select(static line => (double)line["gradientNorm"]!));
        await AssertCurve(browser, "rate", steps.Select(static line => (double)line["rate"]!));
        string[] measured = [.. steps[0]["measurements"]!.AsObject().Select(static pair => pair.Key).Where(static name => name is not ("k" or "j"))];
        Assert.Contains("distance_j", measured);
        foreach (var name in measured) await AssertCurve(browser, $"measurements.{name}", steps.Select(line => (double)line["measurements"]![name]!));
        // The curve of a trained reward begins with the evaluation before the first step, where there is no batch.
        Assert.Equal([null, .. steps.Select(static line => (double?)line["rewards"]!["reward"])], await Numbers<double?>(browser, "[...document.querySelector('[data-chart=\"rewards.reward\"]').plot.data[1]].map(v => v ?? null)"));
        var judged = runs.Lines("first", "evaluation").Select(static line => (double)line["rewards"]!["judge"]!);
        string[] measures = [.. runs.Lines("first", "evaluation")[0]["measures"]!.AsObject().Select(static pair => pair.Key)];
        Assert.NotEmpty(measures);
        foreach (var name in measures) await AssertCurve(browser, $"measures.{name}", runs.Lines("first", "evaluation").Select(line => (double)line["measures"]![name]!));
        Assert.False(await browser.Page.EvaluateExpressionAsync<bool>("!!document.querySelector('[data-chart=skipped]')"), "no update was left out");
        Assert.Equal(judged, await Numbers<double>(browser, "[...document.querySelector('[data-chart=\"rewards.judge\"]').plot.data[1]]"));
    }

    [Fact]
    public async Task Tables_tiles_and_maps_hold_the_numbers_of_metrics()
    {
        await using var browser = await Opened(runs.At("first", "report.html"));
        var evaluations = runs.Lines("first", "evaluation");
        var rows = await Numbers<string[]>(browser, "[...document.querySelectorAll('[data-table=rewards] tbody tr')].map(row => [row.cells[0].textContent, ...[...row.querySelectorAll('data')].map(d => d.value)])");
        Assert.Equal(["reward", "judge"], rows.Select(static row => row[0]));
        foreach (var row in rows)
        {
            Assert.Equal((double)evaluations[0]["rewards"]![row[0]]!, Parsed(row[1]));
            Assert.Equal((double)evaluations[^1]["rewards"]![row[0]]!, Parsed(row[2]));
        }
        Assert.Equal((double)evaluations[^1]["rewards"]!["reward"]!, Parsed(await browser.Page.EvaluateExpressionAsync<string>("document.querySelector('[data-tile=reward] data').value")));
        var tasks = await Numbers<string[]>(browser, "[...document.querySelectorAll('[data-tasks=judge] tbody tr')].map(row => [row.cells[0].textContent, ...[...row.querySelectorAll('data')].map(d => d.value)])");
        Assert.Equal(evaluations[^1]["tasks"]!["judge"]!.AsObject().ToDictionary(static pair => pair.Key, static pair => (double)pair.Value!), tasks.ToDictionary(static row => row[0], static row => Parsed(row[2])));
        var chosen = await Numbers<string[]>(browser, "[...document.querySelectorAll('table.heat tbody tr')].flatMap((row, r) => [...row.cells].slice(1).map((cell, c) => [row.cells[0].textContent, document.querySelectorAll('table.heat thead th')[c + 1].textContent, cell.querySelector('data').value]))");
        var drawn = runs.Lines("first", "step").Select(static line => ($"{line["choices"]!["k"]![0]}", $"{line["choices"]!["j"]![0]}")).CountBy(static pair => pair);
        Assert.Equal(drawn.ToDictionary(), chosen.Where(static cell => cell[2] != "0").ToDictionary(static cell => (cell[0], cell[1]), static cell => int.Parse(cell[2], CultureInfo.InvariantCulture)));
        var ledger = await Numbers<string>(browser, "[...document.querySelectorAll('[data-time=ledger] data')].map(d => d.value)");
        var steps = runs.Lines("first", "step");
        var velocity = steps.Sum(static line => (double)line["timings"]!["stages"]!["velocity"]!);
        var evaluated = steps.Sum(static line => (double)line["evaluations"]!);
        Assert.Equal(evaluated / steps.Count, Parsed(ledger[0]), 1e-9);
        Assert.Equal(velocity / evaluated, Parsed(ledger[2]), 1e-9);
        Assert.Equal(steps.Average(static line => (double)line["timings"]!["seconds"]!), Parsed(ledger[4]), 1e-9);
    }

    [Fact]
    public async Task The_slider_moves_by_key_through_the_pictures_of_the_run()
    {
        await using var browser = await Opened(runs.At("first", "report.html"));
        await browser.Page.FocusAsync("#step");
        Assert.Equal("step 4", await Text(browser, ".slider output"));
        await AssertPictures(browser, 4);
        await browser.Page.Keyboard.PressAsync(Key.ArrowLeft);
        await browser.Page.Keyboard.PressAsync(Key.ArrowLeft);
        Assert.Equal("step 2", await Text(browser, ".slider output"));
        Assert.Equal("step 2", await browser.Page.EvaluateExpressionAsync<string>("document.querySelector('#step').getAttribute('aria-valuetext')"));
        await AssertPictures(browser, 2);
        await browser.Page.Keyboard.PressAsync(Key.Home);
        await AssertPictures(browser, 0);
    }

    [Fact]
    public async Task Arrow_keys_move_along_a_curve_and_say_where_they_are()
    {
        await using var browser = await Opened(runs.At("first", "report.html"));
        await browser.Page.FocusAsync("[data-chart=loss] .plot");
        await browser.Page.Keyboard.PressAsync(Key.Home);
        Assert.StartsWith("step 1: loss ", await Text(browser, "[data-chart=loss] [aria-live]"), StringComparison.Ordinal);
        await browser.Page.Keyboard.PressAsync(Key.ArrowRight);
        Assert.StartsWith("step 2: loss ", await Text(browser, "[data-chart=loss] [aria-live]"), StringComparison.Ordinal);
        await browser.Page.FocusAsync("input[name=axis]:checked");
        await browser.Page.Keyboard.PressAsync(Key.ArrowRight);
        Assert.Equal((double[])[8, 16, 24, 32], await Numbers<double>(browser, "[...document.querySelector('[data-chart=loss]').plot.data[0]]"));
    }

    [Theory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(360, false)]
    [InlineData(360, true)]
    public async Task It_fits_any_screen_in_light_and_dark_with_words_that_can_be_read(int width, bool dark)
    {
        await using var browser = await Browser.Start();
        await browser.Show(width, 800, dark);
        foreach (var page in new[] { runs.At("first", "report.html"), runs.SideBySide() })
        {
            await browser.Open(page);
            Assert.Equal(0, await browser.Page.EvaluateExpressionAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth"));
            Assert.True(await browser.Page.EvaluateExpressionAsync<bool>("[...document.querySelectorAll('.card')].every(c => c.getBoundingClientRect().right <= document.documentElement.clientWidth)"));
            Assert.Equal(dark, await browser.Page.EvaluateExpressionAsync<double>(Luminance("document.body", "backgroundColor")) < 0.2);
            foreach (var words in new[] { "h1", ".about", ".note", "td", "thead th", ".chip" })
            {
                var back = await browser.Page.EvaluateExpressionAsync<double>(Luminance("document.querySelector('.card')", "backgroundColor"));
                var front = await browser.Page.EvaluateExpressionAsync<double>(Luminance($"document.querySelector('{words}')", "color"));
                Assert.True((Math.Max(back, front) + 0.05) / (Math.Min(back, front) + 0.05) >= 4.5, $"{words} in {(dark ? "dark" : "light")}");
            }
        }
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Everything_that_can_be_used_has_a_name_and_pictures_have_words()
    {
        await using var browser = await Opened(runs.At("first", "report.html"));
        Assert.Equal(0, await browser.Page.EvaluateExpressionAsync<int>("[...document.querySelectorAll('input')].filter(i => i.labels.length === 0).length"));
        Assert.Equal(0, await browser.Page.EvaluateExpressionAsync<int>("[...document.querySelectorAll('img')].filter(i => !i.alt).length"));
        Assert.Equal(0, await browser.Page.EvaluateExpressionAsync<int>("[...document.querySelectorAll('[role=img], [role=region]')].filter(e => !e.getAttribute('aria-label')).length"));
        Assert.Equal(0, await browser.Page.EvaluateExpressionAsync<int>("[...document.querySelectorAll('table')].filter(t => !t.caption?.textContent && !t.classList.contains('u-legend')).length"));
        Assert.Equal(0, await browser.Page.EvaluateExpressionAsync<int>("[...document.querySelectorAll('nav a')].filter(a => !document.querySelector(a.getAttribute('href'))).length"));
        Assert.Equal(1, await browser.Page.EvaluateExpressionAsync<int>("document.querySelectorAll('h1').length"));
    }

    [Fact]
    public async Task Runs_side_by_side_are_compared_at_equal_steps_and_evaluations_and_by_what_differs()
    {
        await using var browser = await Opened(runs.SideBySide());
        var equal = await Numbers<string[]>(browser, "[...document.querySelectorAll('[data-table=equal-steps] tbody tr')].map(row => [row.cells[0].textContent, ...[...row.querySelectorAll('data')].map(d => d.value)])");
        Assert.Equal(["first", "second"], equal.Select(static row => row[0]));
        foreach (var row in equal)
        {
            var third = runs.Lines(row[0], "evaluation").Single(static line => (int)line["step"]! == 3);
            Assert.Equal((double)third["rewards"]!["reward"]!, Parsed(row[1]));
            Assert.Equal((double)third["rewards"]!["judge"]!, Parsed(row[2]));
            Assert.Equal(2 * runs.Lines(row[0], "step").Take(3).Sum(static line => (double)line["evaluations"]!), Parsed(row[4]));
        }
        Assert.Equal(2, (await Texts(browser, "[data-table=equal-evaluations] tbody tr")).Length);
        var keys = await Texts(browser, "[data-table=differences] tbody th");
        foreach (var key in new[] { "run.name", "run.seed", "run.steps", "algorithm.id" }) Assert.Contains(key, keys);
        Assert.DoesNotContain("model.id", keys);
        Assert.Equal(5, await browser.Page.EvaluateExpressionAsync<int>("document.querySelector('[data-chart=\"rewards.reward\"]').plot.series.length"));
        Assert.Empty(browser.Complaints);
        Assert.Empty(browser.Requests);
    }

    private static async Task<Browser> Opened(string page)
    {
        var browser = await Browser.Start();
        await browser.Show(1280, 900, dark: false);
        await browser.Open(page);
        return browser;
    }

    private async Task AssertPictures(Browser browser, int step)
    {
        var shown = await Numbers<string>(browser, "[...document.querySelectorAll('.gallery figure')].map(f => f.querySelectorAll('img')[1].src)");
        var captions = await Numbers<string>(browser, "[...document.querySelectorAll('.gallery figcaption')].map(f => f.firstChild.textContent)");
        var scores = await Numbers<string>(browser, "[...document.querySelectorAll('.gallery figcaption')].map(f => f.querySelector('data').value)");
        var samples = runs.Lines("first", "evaluation").Single(line => (int)line["step"]! == step)["samples"]!.AsArray();
        Assert.Equal(2, samples.Count);
        for (var number = 0; number < samples.Count; number++)
        {
            Assert.Equal($"data:image/png;base64,{Convert.ToBase64String(File.ReadAllBytes(runs.At("first", "samples", $"step-{step:D4}", $"{number:D2}.png")))}", shown[number]);
            Assert.Equal((string)samples[number]!["caption"]!, captions[number]);
            Assert.Equal((double)samples[number]!["rewards"]!["reward"]!, Parsed(scores[number]));
        }
    }

    private static async Task AssertCurve(Browser browser, string chart, IEnumerable<double> expected)
    {
        var figure = $"document.querySelector('[data-chart=\"{chart}\"]')";
        Assert.Equal(expected, await Numbers<double>(browser, $"[...{figure}.plot.data[1]]"));
        await browser.Page.ClickAsync($"[data-chart=\"{chart}\"] summary");
        await browser.Page.WaitForSelectorAsync($"[data-chart=\"{chart}\"] details table");
        Assert.Equal(expected, (await Numbers<string>(browser, $"[...{figure}.querySelectorAll('details tbody tr')].map(row => row.querySelectorAll('data')[1].value)")).Select(Parsed));
        foreach (var text in await Numbers<string[]>(browser, $"[...{figure}.querySelectorAll('details tbody data')].map(d => [d.value, d.textContent])"))
            Assert.Equal(Parsed(text[0]), Parsed(text[1].Replace('\u2212', '-').Replace("\u2009", "", StringComparison.Ordinal)), 5e-3 * Math.Max(Math.Abs(Parsed(text[0])), 1e-2));
    }

    private static double Parsed(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static async Task<string> Text(Browser browser, string selector) => await browser.Page.EvaluateFunctionAsync<string>("s => document.querySelector(s).textContent", selector);

    private static async Task<string[]> Texts(Browser browser, string selector) => await browser.Page.EvaluateFunctionAsync<string[]>("s => [...document.querySelectorAll(s)].map(e => e.textContent)", selector);

    private static async Task<T[]> Numbers<T>(Browser browser, string expression) => await browser.Page.EvaluateExpressionAsync<T[]>(expression);

    // The relative luminance of WCAG.
    private static string Luminance(string element, string property) =>
        $"(c => {{ const [r, g, b] = c.match(/[\\d.]+/g).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; }})(getComputedStyle({element}).{property})";
}
